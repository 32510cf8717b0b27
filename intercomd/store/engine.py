"""What the repositories ask of a database engine. All differences between the engines lie behind these protocols.

The differences, and where each is dealt with:

- row locks: `-- :lock share|update` in a query file becomes FOR SHARE / FOR UPDATE in `postgres.py`; SQLite has one
  writer, taken by BEGIN IMMEDIATE, so that every row is locked (`sqlite.py`);
- a lost race (deadlock, serialization, a unique key that another transaction took first): Postgres repeats the work,
  SQLite has none;
- DDL: one file per engine and version in `schema/`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

T = TypeVar("T")

SqlValue = str | int | None
"""What both engines take and give: instants are epoch milliseconds, booleans 0 or 1, JSON is text."""


class Row(Protocol):
    """One result row, by column name."""

    def __getitem__(self, column: str, /) -> Any: ...


class Transaction(Protocol):
    """Runs named queries (`queries/*.sql`) inside one transaction; not to be kept after it."""

    def rows(self, query: str, /, **values: SqlValue) -> list[Row]: ...

    def row(self, query: str, /, **values: SqlValue) -> Row | None:
        """The only row, or None."""
        ...

    def run(self, query: str, /, **values: SqlValue) -> None:
        """A statement whose result is not needed; an engine may send it together with the next one."""
        ...


class Database(Protocol):
    """One database with its connections; every method may be called from any thread."""

    engine: str

    def write(self, work: Callable[[Transaction], T]) -> T:
        """Run `work` in a transaction and commit. `work` may run more than once, so it must not have other effects.

        Raises `StoreUnavailable` when the outcome is unknown or nothing could be done. What `work` raises rolls back.
        """
        ...

    def rows(self, query: str, /, **values: SqlValue) -> list[Row]:
        """One query outside of a transaction; it sees what is committed."""
        ...

    def row(self, query: str, /, **values: SqlValue) -> Row | None: ...

    def prepare(self) -> None:
        """Bring the schema up to date if that has not happened. Raises `StoreUnavailable`, `SchemaMismatch`."""
        ...

    def close(self) -> None: ...


class LostRace(Exception):
    """Raised by `work` when a row it relied on was changed by a faster transaction: the engine runs it again."""
