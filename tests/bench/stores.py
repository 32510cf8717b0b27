"""Stores for the bench, both with every commit on disk before it returns."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from intercomd.store.opening import StoreSettings, open_store
from intercomd.store.ports import Store
from tests.support.postgres import PostgresCluster

SQLITE, POSTGRES = "SQLite", "Postgres"


class _DurableCluster(PostgresCluster):
    """The throw-away server of the tests, with fsync and the server's own defaults."""

    def start(self) -> None:
        options = f"-c listen_addresses=127.0.0.1 -p {self.port} -k {self.folder}"
        self._run("pg_ctl", "start", "-w", "-D", self._data, "-l", str(self.folder / "log"), "-o", options)


@contextmanager
def opened_store(kind: str, home: Path) -> Iterator[Store]:
    """An empty store of this kind."""
    if kind == SQLITE:
        yield from _opened(StoreSettings(assistant_name="Bench", main_folder="main", sqlite_path=home / "intercom.db"))
        return
    cluster = _DurableCluster()
    try:
        cluster.start()
        dsn = cluster.server.create_empty("bench")
        yield from _opened(StoreSettings(assistant_name="Bench", main_folder="main", postgres_dsn=dsn))
    finally:
        cluster.remove()


def _opened(settings: StoreSettings) -> Iterator[Store]:
    store = open_store(settings)
    try:
        yield store
    finally:
        store.close()
