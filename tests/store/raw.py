"""The store's database without the store."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any, Protocol

from intercomd.store.opening import StoreSettings
from tests.support.postgres import PostgresServer


class RunSql(Protocol):
    """Runs one statement and gives its rows."""

    def __call__(self, sql: str, /) -> Sequence[Sequence[Any]]: ...


@contextmanager
def open_raw(settings: StoreSettings) -> Iterator[RunSql]:
    """A connection for the time of the block; every statement is committed at once."""
    if settings.sqlite_path is not None:
        with closing(sqlite3.connect(settings.sqlite_path, isolation_level=None)) as file:
            yield lambda sql: file.execute(sql).fetchall()
    else:
        dsn = str(settings.postgres_dsn)
        with PostgresServer(dsn).connection(dsn.rpartition("/")[2]) as connection:
            yield lambda sql: connection.run(sql) or []
