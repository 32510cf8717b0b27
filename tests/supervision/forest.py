"""Trees of actors that do what a test tells them and record what happens to them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from intercomd.errors import StoreUnavailable
from intercomd.supervision.addresses import AddressBook
from intercomd.supervision.policy import Policy
from intercomd.supervision.port import (
    ChildExited,
    Children,
    ChildSpec,
    Context,
    DynamicSpec,
    ExitReason,
    Restart,
    Strategy,
    SupervisorSpec,
)
from intercomd.supervision.tree import SupervisionTree
from tests.support.waiting import DEADLINE_SECONDS, LogProbe, Probe, logged_events

SECOND = timedelta(seconds=1)
SOON = timedelta(milliseconds=50)
PATIENT = timedelta(seconds=DEADLINE_SECONDS)
AT_ONCE = Policy(
    restart_first=timedelta(0), park_first=timedelta(milliseconds=1), park_longest=timedelta(milliseconds=2)
)


@dataclass(frozen=True)
class Raise:
    error: BaseException


@dataclass(frozen=True)
class Arm:
    delay: timedelta
    item: object
    repeats: bool = False


@dataclass(frozen=True)
class WaitFor:
    """Hold the thread until the gate opens; `entered` says that it is held."""

    gate: threading.Event
    entered: threading.Event


@dataclass(frozen=True)
class Call:
    """Run something in the actor's thread; its result is the answer."""

    function: Callable[[], object]


EXIT = "exit"


class Puppet:
    """Does what its items say, and records its starts, items and stops as `(name, what)`."""

    def __init__(
        self,
        name: str,
        context: Context,
        seen: Probe[tuple[str, object]],
        exited: Probe[ChildExited] | None = None,
    ) -> None:
        self._exited = exited
        self._name = name
        self._context = context
        self._seen = seen

    def on_start(self) -> None:
        self._seen.record((self._name, "start"))

    def handle(self, item: object) -> object:
        match item:
            case Raise(error):
                raise error
            case Arm(delay, later, repeats):
                arm = self._context.timers.every if repeats else self._context.timers.after
                return arm(delay, later)
            case WaitFor(gate, entered):
                entered.set()
                assert gate.wait(DEADLINE_SECONDS)
            case Call(function):
                return function()
            case "exit":
                self._context.exit()
            case ChildExited() if self._exited is not None:
                self._seen.record((self._name, item))
                self._exited.record(item)
            case _:
                self._seen.record((self._name, item))
        return item

    def on_stop(self, reason: ExitReason) -> None:
        self._seen.record((self._name, reason))


class Forest:
    """Owns the trees and gates of one test."""

    def __init__(self) -> None:
        self.seen: Probe[tuple[str, object]] = Probe()
        self.exited: Probe[ChildExited] = Probe()
        self.tries: Probe[object] = Probe()
        self.gave_up: Probe[str] = Probe()
        self.book = AddressBook()
        self.tree: SupervisionTree | None = None
        self._gates: list[threading.Event] = []
        self._capture = logged_events()
        self.log: LogProbe = self._capture.__enter__()

    def puppet(
        self,
        name: str,
        restart: Restart = Restart.PERMANENT,
        *,
        start_timeout: timedelta = PATIENT,
        stop_timeout: timedelta = PATIENT,
        mailbox_limit: int = 10_000,
    ) -> ChildSpec:
        return ChildSpec(
            name,
            lambda context: Puppet(name, context, self.seen, self.exited),
            restart,
            start_timeout=start_timeout,
            stop_timeout=stop_timeout,
            mailbox_limit=mailbox_limit,
        )

    def plant(
        self,
        *children: ChildSpec | SupervisorSpec | DynamicSpec,
        strategy: Strategy = Strategy.ONE_FOR_ONE,
        max_restarts: int = 5,
        policy: Policy = AT_ONCE,
    ) -> SupervisionTree:
        """A tree with these children, not started."""
        spec = SupervisorSpec("root", strategy, children, max_restarts)
        self.tree = SupervisionTree(spec, self.book, on_give_up=self.gave_up.record, policy=policy)
        return self.tree

    def grow(
        self,
        *children: ChildSpec | SupervisorSpec | DynamicSpec,
        strategy: Strategy = Strategy.ONE_FOR_ONE,
        max_restarts: int = 5,
        policy: Policy = AT_ONCE,
    ) -> SupervisionTree:
        """A started tree with these children."""
        tree = self.plant(*children, strategy=strategy, max_restarts=max_restarts, policy=policy)
        tree.start()
        return tree

    def runs(self, max_crashes: int = 0) -> DynamicSpec:
        return DynamicSpec("runs", max_crashes)

    def grow_runs(self, *, max_crashes: int = 0, max_restarts: int = 5, mailbox_limit: int = 10_000) -> Children:
        """A started tree of `runs` and the actor `watcher`, which records the exits it hears of."""
        watcher = self.puppet("watcher", mailbox_limit=mailbox_limit)
        self.grow(self.runs(max_crashes), watcher, max_restarts=max_restarts)
        return self.book.children("runs")

    def exits(self) -> list[ChildExited]:
        return [what for name, what in self.seen.values if name == "watcher" and isinstance(what, ChildExited)]

    def await_exit(self, name: str) -> ChildExited:
        self.seen.wait_for(lambda event: isinstance(event[1], ChildExited) and event[1].name == name, f"{name} ends")
        return next(exited for exited in self.exits() if exited.name == name)

    def await_exits(self, count: int) -> list[ChildExited]:
        self.exited.wait_for_count(count)
        return self.exits()

    def gate(self) -> threading.Event:
        """Something to wait for that is opened at the latest when the test ends."""
        self._gates.append(threading.Event())
        return self._gates[-1]

    def tell(self, path: str, item: object) -> None:
        self.book.address(path).tell(item)

    def ask(self, path: str, item: object) -> object:
        return self.book.address(path).ask(item, PATIENT)

    def hold(self, path: str) -> threading.Event:
        """Keep the actor in the middle of an item until the returned gate opens."""
        gate, entered = self.gate(), threading.Event()
        self.tell(path, WaitFor(gate, entered))
        assert entered.wait(DEADLINE_SECONDS)
        return gate

    def crash(self, path: str) -> None:
        self.tell(path, Raise(ValueError("told to")))

    def await_seen(self, *wanted: tuple[str, object]) -> list[tuple[str, object]]:
        """Wait until exactly so many events are recorded, and return them."""
        return self.seen.wait_for_count(len(wanted))

    def await_restarted(self, *paths: str) -> None:
        for path in paths:
            self.log.wait_for_event("actor.restarted", actor=path)

    def stop(self) -> None:
        for gate in self._gates:
            gate.set()
        if self.tree is not None:
            self.tree.stop(PATIENT)
        self._capture.__exit__(None, None, None)


def away() -> StoreUnavailable:
    return StoreUnavailable("the store is away")
