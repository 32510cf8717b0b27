"""Postgres through pg8000: a pool of connections, and what the server's errors mean for a caller.

Network errors and a server that is away are `StoreUnavailable`. As long as no COMMIT was sent nothing can have
happened, so a connection that went stale in the pool is replaced once without a word; after it, only the caller may try
again.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from threading import Lock
from typing import TypeVar

import pg8000.exceptions

from intercomd.errors import StoreConflict, StoreError, StoreUnavailable
from intercomd.store.engine import LostRace, Row, SqlValue, Transaction
from intercomd.store.migrations import apply_migrations
from intercomd.store.postgres_connection import ConnectionBroken, PostgresConnection
from intercomd.store.postgres_dsn import PostgresTarget
from intercomd.store.postgres_pool import ConnectionPool

T = TypeVar("T")

_MIGRATION_LOCK = 0x696E746572636F6D
"""Key of the advisory lock that lets one process migrate at a time: "intercom" in ASCII."""

_TRIES = 10

# SQLSTATE codes and classes: postgresql.org/docs/current/errcodes-appendix.html
_LOST_RACES = {"40001", "40P01", "23505"}
_AWAY = {"57P01", "57P02", "57P03", "57P05", "57014", "55P03", "25006", "25P03", "28000", "28P01", "3D000"}
_AWAY_CLASSES = {"08", "53", "58"}
_CONSTRAINTS = "23"


class PostgresDatabase:
    """The `Database` port on a Postgres server."""

    engine = "postgres"

    def __init__(
        self,
        target: PostgresTarget,
        *,
        pool_size: int,
        connect_timeout: timedelta,
        acquire_timeout: timedelta,
        statement_timeout: timedelta,
    ) -> None:
        """Connects to nothing yet."""
        self._target = target
        self._acquire_timeout = acquire_timeout
        self._pool = ConnectionPool(
            lambda: PostgresConnection(target, connect_timeout=connect_timeout, statement_timeout=statement_timeout),
            size=pool_size,
            acquire_timeout=acquire_timeout,
        )
        self._migrating = Lock()
        self._is_prepared = False

    def prepare(self) -> None:
        if self._is_prepared:
            return
        if not self._migrating.acquire(timeout=self._acquire_timeout.total_seconds()):
            raise StoreUnavailable(f"{self._target}: another thread is still connecting")
        try:
            if not self._is_prepared:
                self._use(self._migrate)
                self._is_prepared = True
        finally:
            self._migrating.release()

    def write(self, work: Callable[[Transaction], T]) -> T:
        self.prepare()
        for _ in range(_TRIES):
            try:
                return self._use(lambda connection: _in_transaction(connection, work))
            except LostRace as error:
                lost = error
        raise StoreConflict(f"{self._target}: lost a race {_TRIES} times: {lost}") from lost

    def rows(self, query: str, /, **values: SqlValue) -> list[Row]:
        self.prepare()
        return self._use(lambda connection: connection.rows(query, values))

    def row(self, query: str, /, **values: SqlValue) -> Row | None:
        found = self.rows(query, **values)
        return found[0] if found else None

    def close(self) -> None:
        """Idle connections are closed now, those in use when they come back."""
        self._pool.close()

    def _migrate(self, connection: PostgresConnection) -> None:
        connection.run_sql("BEGIN")
        try:
            connection.run_sql(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK:d})")
            apply_migrations(self.engine, str(self._target), connection.run_sql)
        except BaseException:
            connection.run_sql("ROLLBACK")
            raise
        connection.run_sql("COMMIT")

    def _use(self, work: Callable[[PostgresConnection], T]) -> T:
        """Run `work` on a connection of the pool; what goes wrong on the way to the server becomes an error of ours."""
        try:
            return self._pool.use(work)
        except ConnectionBroken as error:
            raise StoreUnavailable(f"{self._target}: {error}") from error
        except pg8000.exceptions.DatabaseError as error:
            raise _translate(error, str(self._target)) from error


def _in_transaction(connection: PostgresConnection, work: Callable[[Transaction], T]) -> T:
    connection.begin()
    try:
        result = work(_PostgresTransaction(connection))
        connection.commit()
    except ConnectionBroken:
        raise
    except BaseException:
        connection.rollback()
        raise
    return result


def _translate(error: pg8000.exceptions.DatabaseError, place: str) -> Exception:
    """What the server's refusal means for the caller, by its SQLSTATE."""
    details = error.args[0] if error.args and isinstance(error.args[0], dict) else {}
    code = details.get("C", "")
    text = f"{place}: {details.get('M', error)}"
    if code in _LOST_RACES:
        return LostRace(text)
    if code in _AWAY or code[:2] in _AWAY_CLASSES:
        return StoreUnavailable(text)
    if code[:2] == _CONSTRAINTS:
        return StoreConflict(text)
    return StoreError(f"{text} (SQLSTATE {code})")


class _PostgresTransaction:
    """The `Transaction` port on a connection."""

    def __init__(self, connection: PostgresConnection) -> None:
        self._connection = connection

    def rows(self, query: str, /, **values: SqlValue) -> list[Row]:
        return self._connection.rows(query, values)

    def row(self, query: str, /, **values: SqlValue) -> Row | None:
        found = self._connection.rows(query, values)
        return found[0] if found else None

    def run(self, query: str, /, **values: SqlValue) -> None:
        self._connection.run(query, values)
