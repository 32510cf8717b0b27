"""Holds a daemon at the instant at which it writes a certain state into the outbox, until it is killed."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from tests.support.daemon import DaemonProcess
from tests.support.postgres import PostgresServer

_ENDLESS = "WITH RECURSIVE count (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM count) SELECT max(n) FROM count"
_SQLITE = f"CREATE TRIGGER hold AFTER UPDATE ON outbox WHEN NEW.state = '{{state}}' BEGIN {_ENDLESS}; END"
_POSTGRES_FUNCTION = """
CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN PERFORM pg_sleep(600); RETURN NEW; END $$
"""
_POSTGRES_TRIGGER = """
CREATE TRIGGER hold AFTER UPDATE ON outbox FOR EACH ROW WHEN (NEW.state = '{state}') EXECUTE FUNCTION hold()
"""
_END_THE_OTHERS = "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = current_database()"


class StateHold:
    """Inside the block a transaction that sets `state` does not end; the daemon must be dead when the block ends."""

    def __init__(self, daemon: DaemonProcess, state: str) -> None:
        self._place = _Sqlite(daemon) if daemon.postgres_dsn is None else _Postgres(daemon.postgres_dsn)
        self._state = state

    def __enter__(self) -> Self:
        self._place.hold(self._state)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self._place.release()


class _Sqlite:
    """The trigger counts for ever, which keeps the transaction and the file's write lock."""

    def __init__(self, daemon: DaemonProcess) -> None:
        self._path = daemon.data_dir / "intercom.db"

    def hold(self, state: str) -> None:
        self._run(_SQLITE.format(state=state))

    def release(self) -> None:
        self._run("DROP TRIGGER hold")

    def _run(self, sql: str) -> None:
        with closing(sqlite3.connect(self._path)) as connection:
            connection.execute(sql)


class _Postgres:
    """The trigger sleeps; a server's process goes on when its client has died, so it is ended."""

    def __init__(self, dsn: str) -> None:
        self._server = PostgresServer(dsn)
        self._database = urlsplit(dsn).path.removeprefix("/")

    def hold(self, state: str) -> None:
        self._run(_POSTGRES_FUNCTION)
        self._run(_POSTGRES_TRIGGER.format(state=state))

    def release(self) -> None:
        self._run(f"{_END_THE_OTHERS} AND pid <> pg_backend_pid()")
        self._run("DROP FUNCTION hold CASCADE")

    def _run(self, sql: str) -> None:
        self._server.run_sql(sql, self._database)
