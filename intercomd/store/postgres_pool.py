"""A few connections, each used by one thread at a time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from queue import Empty, LifoQueue
from typing import TypeVar

from intercomd.errors import StoreUnavailable
from intercomd.store.postgres_connection import ConnectionBroken, PostgresConnection

T = TypeVar("T")


class ConnectionPool:
    """At most `size` connections, opened when they are needed; the one used last is used next."""

    def __init__(self, connect: Callable[[], PostgresConnection], *, size: int, acquire_timeout: timedelta) -> None:
        self._connect = connect
        self._acquire_seconds = acquire_timeout.total_seconds()
        self._places: LifoQueue[PostgresConnection | None] = LifoQueue()
        for _ in range(size):
            self._places.put(None)
        self._is_closed = False

    def use(self, work: Callable[[PostgresConnection], T]) -> T:
        """Run `work` with a connection of its own.

        A connection that has broken while it lay in the pool is replaced and `work` runs once more, unless it has sent
        a COMMIT. Raises `ConnectionBroken`, and `StoreUnavailable` when no connection became free in time.
        """
        try:
            connection = self._places.get(timeout=self._acquire_seconds)
        except Empty:
            raise StoreUnavailable(f"no connection to the store was free for {self._acquire_seconds:g} s") from None
        try:
            if connection is not None:
                try:
                    return work(connection)
                except ConnectionBroken:
                    is_outcome_known = not connection.is_commit_sent
                    connection.abort()
                    connection = None
                    self._discard_idle()
                    if not is_outcome_known:
                        raise
            connection = self._open()
            try:
                return work(connection)
            except ConnectionBroken:
                connection.abort()
                connection = None
                raise
        finally:
            self._give_back(connection)

    def close(self) -> None:
        """Close what is idle now, and the rest as it comes back; later uses raise `StoreUnavailable`."""
        self._is_closed = True
        self._discard_idle()

    def _open(self) -> PostgresConnection:
        if self._is_closed:
            raise StoreUnavailable("the store is closed")
        return self._connect()

    def _give_back(self, connection: PostgresConnection | None) -> None:
        if connection is not None and self._is_closed:
            connection.close()
            connection = None
        self._places.put(connection)

    def _discard_idle(self) -> None:
        """Close the connections that lie in the pool: when one broke, its server was most likely away from all."""
        places = 0
        while True:
            try:
                idle = self._places.get_nowait()
            except Empty:
                break
            places += 1
            if idle is not None:
                idle.close()
        for _ in range(places):
            self._places.put(None)
