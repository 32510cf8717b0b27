"""How the places of a tree talk to each other, and what they need from whatever hosts them.

All of it happens in one *control context*: a single thread in the daemon, the test's own thread in the simulator.
Nothing here waits. A child reports to its parent through `Stage.post`, never by a direct call, so that no report
arrives in the middle of a decision.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Protocol

from intercomd.supervision.addresses import AddressBook
from intercomd.supervision.incarnation import Incarnation, Surroundings
from intercomd.supervision.port import ExitReason, Restart, TimerHandle
from intercomd.supervision.snapshot import NodeSnapshot


class Host(Protocol):
    """A thread (or its simulation) that lives one incarnation."""

    def ping(self) -> None:
        """Have `Watcher.answered` called as soon as the actor's loop is free."""
        ...

    def end(self, reason: ExitReason) -> None:
        """Ask for the end; `Watcher.exited` follows."""
        ...


class Watcher(Protocol):
    """Who is told what becomes of an incarnation; called in the control context."""

    def started(self, incarnation: Incarnation) -> None: ...

    def answered(self, incarnation: Incarnation) -> None: ...

    def closing(self, incarnation: Incarnation) -> None:
        """It ends of its own accord and its clean-up begins."""
        ...

    def exited(self, incarnation: Incarnation) -> None:
        """It is gone; its `reason` and `error` say why."""
        ...


class Stage(Protocol):
    """Where actors live and control events are run."""

    book: AddressBook
    surroundings: Surroundings

    def launch(self, incarnation: Incarnation, watcher: Watcher) -> Host:
        """Begin a life; raises `StartFailed` when not even a thread can be had."""
        ...

    def post(self, callback: Callable[..., None], *args: object) -> None:
        """Run `callback` in the control context, after what was posted before. From any thread."""
        ...

    def later(self, delay: timedelta, callback: Callable[..., None], *args: object) -> TimerHandle:
        """Run `callback` in the control context after `delay`; never after `cancel`."""
        ...

    def restart_delay(self, failures: int) -> timedelta:
        """The wait before the restart after this many failures in the window."""
        ...

    def add_zombie(self, incarnation: Incarnation) -> None: ...

    def drop_zombie(self, incarnation: Incarnation) -> None: ...


class Node(Protocol):
    """A place in the tree: an actor's or a supervisor's."""

    path: str
    restart: Restart
    is_live: bool
    """Something of it runs, starts or stops; only then `end` has an effect."""

    def begin(self, *, again: bool) -> None:
        """Start it; the parent hears `child_started` or `child_ended(START_FAILED)`. `again`: it is a restart."""
        ...

    def end(self, reason: ExitReason) -> None:
        """Stop it; the parent hears `child_ended`."""
        ...

    def hurry(self) -> None:
        """Stop everything below at once, in no order; each within its own budget."""
        ...

    def abandon(self) -> None:
        """Stop it now: what still runs is left behind as a zombie."""
        ...

    def await_restart(self) -> None:
        """Its parent will begin it again after a pause."""
        ...

    def rest(self, reason: ExitReason) -> None:
        """Its parent will not begin it again."""
        ...

    def observe(self) -> Iterator[NodeSnapshot]:
        """Itself and what is below; from any thread."""
        ...


class Parent(Protocol):
    """What a node reports to."""

    def child_started(self, child: Node) -> None: ...

    def child_ended(self, child: Node, reason: ExitReason, error: str | None) -> None: ...
