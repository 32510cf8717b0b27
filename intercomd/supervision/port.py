"""What an actor sees of the kit: plain classes, addresses, timers, children.

An actor never touches Pykka, threads, `time` or `random`; the same class runs under the Pykka host in the daemon and
under the seeded single-threaded simulator in tests.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Protocol


class Actor(Protocol):
    """A plain class with private state that handles one item at a time, in milliseconds.

    `handle` returns the answer when the item was asked. An `IntercomError` raised under *ask* goes to the asker and
    the actor lives on; any other exception is a crash, of which the asker hears as `ActorCrashed`. Under *tell* every
    exception is a crash, but for `StoreUnavailable`: the host parks the item and handles it again until the store is
    back, so a handler writes to the store first and changes its own state after.
    """

    def handle(self, item: object) -> object: ...


class HasStart(Protocol):
    def on_start(self) -> None:
        """Runs in the actor's thread before its first item; an exception is a start failure."""
        ...


class HasStop(Protocol):
    def on_stop(self, reason: ExitReason) -> None:
        """Runs in the actor's thread after its last item, also after a crash; release what the actor owns. Not
        called when the start failed or the thread hangs beyond its stop budget."""
        ...


class HasLeftovers(Protocol):
    def on_leftovers(self, items: Sequence[object]) -> None:
        """Runs before `on_stop` when the supervisor stopped the actor, with the told items it never took, in order:
        for an actor whose mailbox holds facts that nobody could tell again."""
        ...


class Address(Protocol):
    """A lasting handle of an actor: it survives the actor's restarts."""

    @property
    def name(self) -> str: ...

    def hint(self, item: object) -> bool:
        """Tell, knowing that the item may be lost (actor away, mailbox full); False when it was. Never raises."""
        ...

    def tell(self, item: object) -> None:
        """Put the item into the mailbox; raises `MailboxFull` or `ActorUnavailable`."""
        ...

    def ask(self, item: object, timeout: timedelta) -> object:
        """The actor's answer; raises `AskTimeout`, `ActorUnavailable`, `MailboxFull`, or what the handler raised."""
        ...


class TimerHandle(Protocol):
    def cancel(self) -> None:
        """Idempotent; an item that is already in the mailbox stays there."""
        ...


class Timers(Protocol):
    """Monotonic timers of one incarnation of an actor; they end with it."""

    def after(self, delay: timedelta, item: object) -> TimerHandle:
        """Put `item` into the actor's own mailbox after `delay`."""
        ...

    def every(self, interval: timedelta, item: object) -> TimerHandle:
        """The same, again and again; a slow actor gets at most one pending copy."""
        ...


class Context(Protocol):
    """What a factory gets for the actor it makes."""

    @property
    def address(self) -> Address: ...

    @property
    def timers(self) -> Timers: ...

    def exit(self) -> None:
        """End this actor normally after the item in hand (a transient or temporary child is not restarted)."""
        ...


class Restart(StrEnum):
    PERMANENT = "permanent"
    TRANSIENT = "transient"
    TEMPORARY = "temporary"


class Strategy(StrEnum):
    ONE_FOR_ONE = "one_for_one"
    REST_FOR_ONE = "rest_for_one"
    ONE_FOR_ALL = "one_for_all"


class ExitReason(StrEnum):
    """Why an actor ended."""

    NORMAL = "normal"
    """It asked for its own exit."""
    SHUTDOWN = "shutdown"
    """Its supervisor stopped it."""
    CRASHED = "crashed"
    START_FAILED = "start_failed"
    LINK_DIED = "link_died"
    """The child it is linked to ended."""
    ZOMBIE = "zombie"
    """It did not stop within its budget; its thread is left behind and shown as degraded."""


@dataclass(frozen=True, slots=True)
class ChildExited:
    """dynamic supervisor → monitors of a child: it is gone, and so is everything linked to it."""

    name: str
    reason: ExitReason
    error: str | None


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """A child as data. `name` is unique among its siblings.

    `monitors` and `linked_to` are for dynamic children only: monitors are told `ChildExited`; a child is stopped
    when the sibling named `linked_to` ends, before that sibling's monitors hear of it.
    """

    name: str
    factory: Callable[[Context], Actor]
    restart: Restart = Restart.PERMANENT
    start_timeout: timedelta = timedelta(seconds=5)
    stop_timeout: timedelta = timedelta(seconds=5)
    mailbox_limit: int = 10_000
    monitors: tuple[Address, ...] = ()
    linked_to: str | None = None


class Children(Protocol):
    """A dynamic supervisor as actors see it; nothing here blocks."""

    def start(self, spec: ChildSpec) -> Address:
        """Ask for a child; items told to the address before it runs are kept in order. A failed start reaches the
        monitors as `ChildExited(START_FAILED)`. A name in use is a `ValueError`."""
        ...

    def stop(self, name: str) -> None:
        """Ask for a child's end; unknown names are ignored."""
        ...

    def names(self) -> frozenset[str]:
        """Children that were asked for and are not gone yet; a snapshot that waits for nobody."""
        ...


@dataclass(frozen=True, slots=True)
class SupervisorSpec:
    """A supervisor as data: its children are started in order and stopped in reverse.

    More than `max_restarts` restarts within `within` make it give up: it stops its children and escalates.
    One that `starts_idle` keeps its children unstarted until the tree is told to activate it.
    """

    name: str
    strategy: Strategy = Strategy.ONE_FOR_ONE
    children: tuple[ChildSpec | SupervisorSpec | DynamicSpec, ...] = ()
    max_restarts: int = 5
    within: timedelta = timedelta(seconds=30)
    restart: Restart = Restart.PERMANENT
    starts_idle: bool = False


@dataclass(frozen=True, slots=True)
class DynamicSpec:
    """A supervisor whose children are asked for at run time (`Children`); they are never restarted by it.

    More than `max_crashes` crashes within `within` make it give up and escalate; 0 means never.
    """

    name: str
    max_crashes: int = 0
    within: timedelta = field(default=timedelta(seconds=30))
    restart: Restart = Restart.PERMANENT
