"""One connection to Postgres: statements prepared once, and sent together where nobody waits for their result.

A round trip costs more than a statement does, so statements without a result are kept until the next one whose result
is wanted, or the COMMIT; the server runs them in order and skips the rest after an error. Only one thread at a time may
use a connection: pg8000 gives wrong results otherwise.
"""

from __future__ import annotations

import socket
import ssl
import struct
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any

import pg8000.exceptions
import pg8000.native
import scramp  # type: ignore[import-untyped]  # pg8000 lets its errors through

from intercomd.errors import StoreError
from intercomd.store.engine import Row, SqlValue
from intercomd.store.named_queries import load_queries
from intercomd.store.postgres_dsn import PostgresTarget

_TLS_REQUEST = struct.pack("!ii", 8, 80877103)
_IDLE_MS = 2_000
"""A process that stands still in the middle of a claim must not keep the lease row from its successor for longer."""
_MARGIN = timedelta(seconds=5)
"""How much longer than its statement time-out a server may be silent before it counts as gone."""

_NETWORK_ERRORS = (pg8000.exceptions.InterfaceError, scramp.ScramException, OSError, struct.error, ValueError)
"""What pg8000 lets through when a connection breaks or the other side answers nonsense."""


class ConnectionBroken(Exception):
    """The connection is of no use any more, and what was sent last may or may not have been done."""


class PostgresConnection:
    """A logged-in connection; every method may raise `ConnectionBroken`, or pg8000's `DatabaseError` for what the
    server refused. `is_commit_sent`: a COMMIT is on its way, and until its answer comes nobody knows whether it was
    done."""

    def __init__(self, target: PostgresTarget, *, connect_timeout: timedelta, statement_timeout: timedelta) -> None:
        with _naming_breakage():
            self._socket = _connect(target, connect_timeout)
            self._connection = _log_in(self._socket, target, statement_timeout)
            self._socket.settimeout((statement_timeout + _MARGIN).total_seconds())
        self.is_commit_sent = False
        self._statements: dict[str, Any] = {}
        self._held_back: list[tuple[Any, tuple[str | None, ...]]] = []
        self._is_in_transaction = False

    def begin(self) -> None:
        """Open a transaction with the next statement."""
        self.is_commit_sent = False
        self._hold_back(self._prepare("BEGIN", "BEGIN"), {})

    def commit(self) -> None:
        """Send what is held back and commit, in one round trip."""
        if self._is_in_transaction or len(self._held_back) > 1:
            commit = self._prepare("COMMIT", "COMMIT")
            self.is_commit_sent = True
            self._execute(commit, {})
            self.is_commit_sent = False
        self._held_back.clear()
        self._is_in_transaction = False

    def rollback(self) -> None:
        self._held_back.clear()
        if self._is_in_transaction:
            self._is_in_transaction = False
            self.run_sql("ROLLBACK")

    def rows(self, query: str, values: Mapping[str, SqlValue]) -> list[Row]:
        """The result of a named query."""
        statement = self._named(query)
        names = [column["name"] for column in statement.cols or ()]
        return [dict(zip(names, row, strict=True)) for row in self._execute(statement, values) or ()]

    def run(self, query: str, values: Mapping[str, SqlValue]) -> None:
        """A named query whose result nobody needs."""
        statement = self._named(query)
        if statement.cols is None:
            self._hold_back(statement, values)
        else:
            self._execute(statement, values)

    def run_sql(self, sql: str) -> Sequence[Sequence[Any]]:
        """A statement as text, outside of the named queries: for migrations."""
        with _naming_breakage():
            return self._connection.run(sql) or ()

    def close(self) -> None:
        """Say goodbye if the other side still listens; never raises, never waits."""
        self._socket.settimeout(1)
        with suppress(*_NETWORK_ERRORS):
            self._connection.close()

    def abort(self) -> None:
        """Close a broken connection at once."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self.close()

    def _named(self, query: str) -> Any:
        found = self._statements.get(query)
        if found is None:
            text = load_queries()[query]
            return self._prepare(query, text.sql if text.lock is None else f"{text.sql} FOR {text.lock}")
        return found

    def _prepare(self, name: str, sql: str) -> Any:
        found = self._statements.get(name)
        if found is None:
            with _naming_breakage():
                found = self._statements[name] = self._connection.prepare(sql)
        return found

    def _hold_back(self, statement: Any, values: Mapping[str, SqlValue]) -> None:
        self._held_back.append((statement, _parameters(statement, values)))

    def _execute(self, statement: Any, values: Mapping[str, SqlValue]) -> Any:
        parameters = _parameters(statement, values)
        with _naming_breakage():
            for earlier, earlier_parameters in self._held_back:
                self._connection.send_BIND(earlier.name_bin, earlier_parameters)
                self._connection.send_EXECUTE()
                self._is_in_transaction = True
            self._held_back.clear()
            return self._connection.execute_named(
                statement.name_bin, parameters, statement.cols, statement.input_funcs, statement.statement
            ).rows


def _parameters(statement: Any, values: Mapping[str, SqlValue]) -> tuple[str | None, ...]:
    """The values as they are sent. What UTF-8 cannot hold is refused here, before anything is written: it is an error
    of the caller's, not of the connection, and no later try can do better."""
    texts = tuple(None if value is None else str(value) for value in statement.make_vals(values))
    try:
        "".join(text for text in texts if text is not None).encode()
    except UnicodeEncodeError as error:
        raise StoreError(f"a value cannot be stored: {error}") from error
    return texts


@contextmanager
def _naming_breakage() -> Iterator[None]:
    try:
        yield
    except _NETWORK_ERRORS as error:
        raise ConnectionBroken(str(error.__cause__ or error)) from error


def _log_in(connected: socket.socket, target: PostgresTarget, statement_timeout: timedelta) -> Any:
    milliseconds = statement_timeout // timedelta(milliseconds=1)
    try:
        return pg8000.native.Connection(
            target.user,
            host=target.host,
            port=target.port,
            database=target.database,
            password=target.password or "",
            application_name=target.application_name,
            sock=connected,
            ssl_context=False,
            startup_params={
                "client_encoding": "UTF8",
                "default_transaction_isolation": "read committed",
                "statement_timeout": str(milliseconds),
                "idle_in_transaction_session_timeout": str(_IDLE_MS),
            },
        )
    except BaseException:
        connected.close()
        raise


def _connect(target: PostgresTarget, timeout: timedelta) -> socket.socket:
    """A connected socket, inside TLS where the target wants it, with `timeout` on every operation."""
    path = target.socket_path
    seconds = timeout.total_seconds()
    if path is not None:
        plain = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    else:
        plain = socket.create_connection((target.host, target.port), seconds)
    try:
        if path is not None:
            plain.settimeout(seconds)
            plain.connect(path)
            return plain
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        context = target.tls_context()
        return plain if context is None else _start_tls(plain, context, target.host)
    except BaseException:
        plain.close()
        raise


def _start_tls(plain: socket.socket, context: ssl.SSLContext, host: str) -> ssl.SSLSocket:
    plain.sendall(_TLS_REQUEST)
    if plain.recv(1) != b"S":
        raise OSError("the server does not offer TLS; sslmode=disable would connect without it")
    return context.wrap_socket(plain, server_hostname=host)
