"""SQLite, the embedded engine: WAL, one writer behind a fair lock, a few readers that never wait for it.

`synchronous=FULL` makes every commit durable before it returns. BEGIN IMMEDIATE takes the write lock of the file at
once, so a transaction never fails in the middle because another process wrote first; it is also what "lock the row"
means here.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from queue import Empty, LifoQueue
from threading import Lock
from typing import TypeVar

from intercomd.errors import StoreConflict, StoreError, StoreUnavailable
from intercomd.store.engine import Row, SqlValue, Transaction
from intercomd.store.fair_lock import FairLock
from intercomd.store.migrations import apply_migrations
from intercomd.store.named_queries import load_queries

T = TypeVar("T")

_OLDEST = (3, 35, 0)
"""The first SQLite with RETURNING."""

_HEALS = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_INTERRUPT,
}
"""Primary result codes of conditions that an operator or time can end while we run (sqlite.org/rescode.html)."""


class SqliteDatabase:
    """The `Database` port on one file."""

    engine = "sqlite"

    def __init__(self, path: Path, *, readers: int, timeout: timedelta) -> None:
        """Opens nothing yet; `timeout` bounds the wait for the write lock, in this process and against others."""
        self._path = path
        self._timeout_seconds = timeout.total_seconds()
        self._write_lock = FairLock()
        self._writer: sqlite3.Connection | None = None
        self._readers: LifoQueue[sqlite3.Connection | None] = LifoQueue()
        for _ in range(readers):
            self._readers.put(None)
        self._busy_readers: list[sqlite3.Connection] = []
        self._guard = Lock()
        self._is_closed = False

    def prepare(self) -> None:
        with self._holding_writer():
            return

    def write(self, work: Callable[[Transaction], T]) -> T:
        with self._holding_writer() as connection:
            return self._in_transaction(connection, lambda: work(_SqliteTransaction(connection)))

    def rows(self, query: str, /, **values: SqlValue) -> list[Row]:
        with self._holding_reader() as connection:
            return connection.execute(load_queries()[query].sql, values).fetchall()

    def row(self, query: str, /, **values: SqlValue) -> Row | None:
        found = self.rows(query, **values)
        return found[0] if found else None

    def close(self) -> None:
        """Waits for the transaction in flight; later calls raise `StoreUnavailable`, a query in flight ends so too.

        A connection in use is closed by its user: to close it under a running query would crash the process.
        """
        is_writer_free = self._write_lock.acquire(self._timeout_seconds)
        with self._guard:
            self._is_closed = True
            for reader in self._busy_readers:
                reader.interrupt()
            for connection in self._take_idle_readers():
                if connection is not None:
                    connection.close()
                self._readers.put(None)
        if is_writer_free:
            if self._writer is not None:
                self._writer.close()
                self._writer = None
            self._write_lock.release()

    @contextmanager
    def _holding_writer(self) -> Iterator[sqlite3.Connection]:
        if not self._write_lock.acquire(self._timeout_seconds):
            raise StoreUnavailable(f"{self._path}: other writers kept the lock for {self._timeout_seconds:g} s")
        try:
            with self._naming_errors():
                if self._writer is None:
                    self._writer = self._open_writer()
                yield self._writer
        finally:
            self._write_lock.release()

    @contextmanager
    def _holding_reader(self) -> Iterator[sqlite3.Connection]:
        if self._writer is None:
            self.prepare()
        try:
            connection = self._readers.get(timeout=self._timeout_seconds)
        except Empty:
            raise StoreUnavailable(f"{self._path}: no reader was free for {self._timeout_seconds:g} s") from None
        try:
            with self._naming_errors():
                if connection is None:
                    connection = self._connect()
                with self._guard:
                    self._busy_readers.append(connection)
                yield connection
        finally:
            self._give_back(connection)

    def _take_idle_readers(self) -> list[sqlite3.Connection | None]:
        idle = []
        with suppress(Empty):
            while True:
                idle.append(self._readers.get_nowait())
        return idle

    def _give_back(self, connection: sqlite3.Connection | None) -> None:
        with self._guard:
            if connection is not None and connection in self._busy_readers:
                self._busy_readers.remove(connection)
            if connection is not None and self._is_closed:
                connection.close()
                connection = None
            self._readers.put(connection)

    def _open_writer(self) -> sqlite3.Connection:
        self._create_file()
        connection = self._connect()
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            self._in_transaction(
                connection,
                lambda: apply_migrations(
                    self.engine, str(self._path), lambda sql: [tuple(row) for row in connection.execute(sql)]
                ),
            )
        except BaseException:
            connection.close()
            raise
        return connection

    def _create_file(self) -> None:
        """The file holds what people wrote, so only its owner may read it; -wal and -shm take over its mode."""
        if sqlite3.sqlite_version_info < _OLDEST:
            raise StoreError(f"SQLite {sqlite3.sqlite_version} is too old: 3.35 or newer is needed")
        if self._path.is_dir():
            raise StoreError(f"{self._path}: the database file cannot be opened: it is a folder")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.touch(mode=0o600)
        except OSError as error:
            raise StoreError(f"{self._path}: the database file cannot be opened: {error.strerror}") from error

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path,
            timeout=self._timeout_seconds,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=len(load_queries()) + 8,
        )
        try:
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = ON")
        except BaseException:
            connection.close()
            raise
        return connection

    @staticmethod
    def _in_transaction(connection: sqlite3.Connection, work: Callable[[], T]) -> T:
        connection.execute("BEGIN IMMEDIATE")
        try:
            result = work()
            connection.execute("COMMIT")
            return result
        except BaseException:
            if connection.in_transaction:
                with suppress(sqlite3.Error):
                    connection.execute("ROLLBACK")
            raise

    @contextmanager
    def _naming_errors(self) -> Iterator[None]:
        if self._is_closed:
            raise StoreUnavailable(f"{self._path}: the store is closed")
        try:
            yield
        except UnicodeEncodeError as error:
            raise StoreError(f"{self._path}: a value cannot be stored: {error}") from error
        except sqlite3.IntegrityError as error:
            raise StoreConflict(f"{self._path}: {error}") from error
        except sqlite3.Error as error:
            code = getattr(error, "sqlite_errorcode", None)
            if self._is_closed or (code is not None and code & 0xFF in _HEALS):
                raise StoreUnavailable(f"{self._path}: {error}") from error
            raise StoreError(f"{self._path}: {error}") from error


class _SqliteTransaction:
    """The `Transaction` port on the writer's connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def rows(self, query: str, /, **values: SqlValue) -> list[Row]:
        return self._connection.execute(load_queries()[query].sql, values).fetchall()

    def row(self, query: str, /, **values: SqlValue) -> Row | None:
        found = self.rows(query, **values)
        return found[0] if found else None

    def run(self, query: str, /, **values: SqlValue) -> None:
        self._connection.execute(load_queries()[query].sql, values)
