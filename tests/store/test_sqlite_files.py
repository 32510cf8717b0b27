"""What SQLite's file can do to us."""

from __future__ import annotations

import resource
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import timedelta
from pathlib import Path

import pytest

from intercomd.errors import StoreError, StoreUnavailable
from intercomd.store.opening import StoreSettings, open_store
from tests.store.household import Household
from tests.support.waiting import DEADLINE_SECONDS, join


def settings(path: Path) -> StoreSettings:
    """A store that does not wait long."""
    wait = timedelta(milliseconds=20)
    return StoreSettings(assistant_name="Ada", main_folder="main", sqlite_path=path, acquire_timeout=wait)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Another process holds the file's write lock."""
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    try:
        yield
    finally:
        other.close()


def test_open_refuses_a_file_that_is_no_database(tmp_path: Path) -> None:
    """Somebody's text file is named and not touched."""
    path = tmp_path / "notes.txt"
    path.write_text("not a database, " * 100)
    with pytest.raises(StoreError, match=r"notes\.txt: file is not a database"):
        open_store(settings(path))
    assert path.read_text().startswith("not a database")


def test_open_refuses_a_folder(tmp_path: Path) -> None:
    """A folder cannot be a database."""
    with pytest.raises(StoreError, match="it is a folder"):
        open_store(settings(tmp_path))


def test_open_refuses_a_path_below_a_file(tmp_path: Path) -> None:
    """A folder that cannot be made is named."""
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="cannot be opened"):
        open_store(settings(tmp_path / "file" / "intercom.db"))


def test_store_waits_for_a_file_that_is_locked_at_start(tmp_path: Path) -> None:
    """Opening succeeds, every call says that the store is away, and it works by itself once the lock is gone."""
    path = tmp_path / "intercom.db"
    with locked(path):
        store = open_store(settings(path))
        with pytest.raises(StoreUnavailable, match="locked"):
            store.ping()
    store.ping()
    store.close()


def test_write_fails_as_unavailable_while_another_process_writes(tmp_path: Path) -> None:
    """A lock held beyond the deadline is no crash, and the same write works afterwards."""
    path = tmp_path / "intercom.db"
    store = open_store(settings(path))
    house = Household(store)
    with locked(path), pytest.raises(StoreUnavailable, match="locked"):
        house.say("m")
    assert house.say("m").is_new
    store.close()


@contextmanager
def full_disk(size_bytes: int) -> Iterator[None]:
    """No file of this process may grow beyond `size_bytes`."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_write_fails_as_unavailable_when_the_disk_is_full(tmp_path: Path) -> None:
    """A write that finds no room is rolled back; with room again the same write works."""
    path = tmp_path / "intercom.db"
    store = open_store(settings(path))
    house = Household(store)
    log = path.with_name("intercom.db-wal")
    with full_disk(log.stat().st_size), pytest.raises(StoreUnavailable, match="disk"):
        house.say("m")
    assert house.say("m").seq == 1
    store.close()


def test_file_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    """What people wrote is nobody else's."""
    path = tmp_path / "intercom.db"
    store = open_store(settings(path))
    Household(store)
    assert {item.stat().st_mode & 0o777 for item in tmp_path.iterdir()} == {0o600}
    store.close()


def test_closed_store_is_unavailable(tmp_path: Path) -> None:
    """After close every call says so."""
    store = open_store(settings(tmp_path / "intercom.db"))
    store.close()
    with pytest.raises(StoreUnavailable, match="closed"):
        store.ping()


def test_close_waits_for_no_reader_and_breaks_none(tmp_path: Path) -> None:
    """Threads that read while the store is closed hear that it is; their connections are not closed under them."""
    store = open_store(settings(tmp_path / "intercom.db"))
    with closing(sqlite3.connect(tmp_path / "intercom.db", isolation_level=None)) as other:
        other.execute(
            """INSERT INTO events (at, code, detail)
            WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
            SELECT i, 'c', 'd' FROM n"""
        )
    reading = threading.Barrier(5)

    def read() -> None:
        with suppress(StoreUnavailable):
            store.events.list_recent(None, 1)
            reading.wait(DEADLINE_SECONDS)
            while True:
                store.events.list_recent(None, 20_000)

    readers = [threading.Thread(target=read) for _ in range(4)]
    for reader in readers:
        reader.start()
    reading.wait(DEADLINE_SECONDS)
    store.close()
    for reader in readers:
        join(reader)
