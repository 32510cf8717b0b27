"""Lasting handles by path: who is behind a path is looked up at every call, so an address survives restarts.

Paths are relative to the root, whose own name is left out: `outbox`, `orchestrator/dispatcher`,
`orchestrator/runs/run-42`. The book exists before the tree, so that factories can close over addresses.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Protocol

import pykka

from intercomd.clock import Clock, SystemClock
from intercomd.errors import ActorUnavailable, AskTimeout, MailboxFull
from intercomd.supervision.mailbox import Letter, Mailbox, Reply
from intercomd.supervision.port import Address, Children, ChildSpec


class Cell:
    """What the book knows of one path: the mailbox of the present incarnation, None while there is none."""

    __slots__ = ("dropped_hints", "mailbox")

    def __init__(self) -> None:
        self.mailbox: Mailbox | None = None
        self.dropped_hints = 0


class Nursery(Protocol):
    """The dynamic supervisor behind a `Children`."""

    def ask_for(self, spec: ChildSpec) -> None: ...

    def ask_end(self, name: str) -> None: ...

    def names(self) -> frozenset[str]: ...


class AddressBook:
    """All paths of one tree. Handing out and using addresses is safe from any thread."""

    def __init__(self, clock: Clock | None = None) -> None:
        self.clock = clock or SystemClock()
        self.nurseries: dict[str, Nursery] = {}
        self._cells: dict[str, Cell] = {}

    def address(self, path: str) -> Address:
        """The address of the actor at `path`, whether or not it runs."""
        return BookAddress(self, path)

    def children(self, path: str) -> Children:
        """The dynamic supervisor at `path`."""
        return BookChildren(self, path)

    # -- for the tree --------------------------------------------------------------------------------

    def enter(self, path: str) -> Cell:
        return self._cells.setdefault(path, Cell())

    def strike(self, path: str) -> None:
        self._cells.pop(path, None)

    # -- for addresses -------------------------------------------------------------------------------

    def find(self, path: str) -> Cell | None:
        return self._cells.get(path)

    def mailbox(self, path: str) -> Mailbox:
        """The mailbox of the actor that runs or starts at `path`; raises `ActorUnavailable`."""
        cell = self._cells.get(path)
        if cell is None:
            raise ActorUnavailable(f"there is no actor {path}")
        if cell.mailbox is None:
            raise ActorUnavailable(f"{path} is not running")
        return cell.mailbox


class BookAddress:
    """An `Address`: a path and the book to look it up in. Two addresses of one path are equal."""

    __slots__ = ("_book", "_path")

    def __init__(self, book: AddressBook, path: str) -> None:
        self._book = book
        self._path = path

    @property
    def name(self) -> str:
        return self._path

    def tell(self, item: object) -> None:
        self._book.mailbox(self._path).offer(Letter(item, self._book.clock.monotonic()))

    def hint(self, item: object) -> bool:
        try:
            self.tell(item)
        except (ActorUnavailable, MailboxFull):
            cell = self._book.find(self._path)
            if cell is not None:
                cell.dropped_hints += 1
            return False
        return True

    def ask(self, item: object, timeout: timedelta) -> object:
        reply = Reply()
        now = self._book.clock.monotonic()
        seconds = timeout.total_seconds()
        self._book.mailbox(self._path).offer(Letter(item, now, reply=reply, expires_at=now + seconds))
        try:
            return reply.get(timeout=seconds)
        except pykka.Timeout as error:
            what = type(item).__name__
            raise AskTimeout(f"{self._path} did not answer {what} within {seconds:g} s") from error

    def deliver(self, item: object) -> bool:
        """The kit's own tell: passes the mailbox limit; False when nobody is there."""
        cell = self._book.find(self._path)
        if cell is None or cell.mailbox is None:
            return False
        return cell.mailbox.deliver(Letter(item, self._book.clock.monotonic()))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, BookAddress) and (self._path, self._book) == (other._path, other._book)

    def __hash__(self) -> int:
        return hash(self._path)

    def __repr__(self) -> str:
        return f"<Address {self._path}>"


class BookChildren:
    """A `Children`: the path of a dynamic supervisor."""

    def __init__(self, book: AddressBook, path: str) -> None:
        self._book = book
        self._path = path

    def start(self, spec: ChildSpec) -> Address:
        self._nursery().ask_for(spec)
        return self._book.address(f"{self._path}/{spec.name}")

    def stop(self, name: str) -> None:
        self._nursery().ask_end(name)

    def names(self) -> frozenset[str]:
        return self._nursery().names()

    def _nursery(self) -> Nursery:
        nursery = self._book.nurseries.get(self._path)
        if nursery is None:
            raise ActorUnavailable(f"there is no dynamic supervisor {self._path}")
        return nursery
