"""The simulator: the kit's semantics without threads, time or chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import pytest

from intercomd.errors import ActorUnavailable, AskTimeout, NotFound, StoreUnavailable
from intercomd.supervision.errors import StartFailed
from intercomd.supervision.port import (
    Actor,
    ChildExited,
    ChildSpec,
    Context,
    DynamicSpec,
    ExitReason,
    Restart,
    Strategy,
    SupervisorSpec,
)
from intercomd.supervision.snapshot import NodeState
from tests.support.simulator import Simulation

SECOND = timedelta(seconds=1)


@dataclass(frozen=True)
class Forward:
    """Ask the actor at `path` for `item` and return what it says."""

    path: str
    item: object


class Diary:
    """Writes down what it is given; does what some items say."""

    def __init__(self, context: Context, pages: list[object], sim: Simulation) -> None:
        self._context = context
        self._pages = pages
        self._sim = sim

    def handle(self, item: object) -> object:
        if isinstance(item, BaseException):
            raise item
        if isinstance(item, Forward):
            return self._sim.book.address(item.path).ask(item.item, SECOND)
        if item == "exit":
            self._context.exit()
        elif item == "tick":
            self._context.timers.every(SECOND, "ticked")
        self._pages.append(item)
        return item

    def on_stop(self, reason: ExitReason) -> None:
        self._pages.append(reason)


def diary(sim: Simulation, name: str, pages: list[object], restart: Restart = Restart.PERMANENT) -> ChildSpec:
    def make(context: Context) -> Actor:
        return Diary(context, pages, sim)

    return ChildSpec(name, make, restart)


def play(seed: int) -> tuple[list[object], list[str]]:
    """Three actors with work; the order in which they did it, and the trace."""
    sim, pages = Simulation(seed), list[object]()
    sim.start(*(diary(sim, name, pages) for name in "abc"))
    for number in range(4):
        for name in "abc":
            sim.book.address(name).tell(f"{name}{number}")
    sim.run_until_idle()
    sim.crash("a")
    sim.advance(SECOND)
    sim.stop()
    return pages, sim.trace


def test_simulation_does_the_same_again_with_the_same_seed() -> None:
    """A seed determines everything: work, crash, restart and stop."""
    assert play(7) == play(7)


def test_simulation_explores_other_orders_with_other_seeds() -> None:
    """Seeds interleave actors differently, and no seed reorders one actor's items."""
    orders = [play(seed)[0][:12] for seed in range(10)]
    assert len({tuple(order) for order in orders}) > 1
    assert all([page for page in order if str(page).startswith("b")] == ["b0", "b1", "b2", "b3"] for order in orders)


def test_crash_restarts_a_static_child_with_an_empty_mailbox() -> None:
    """A crashed child loses its items, hears CRASHED, and is back after its backoff."""
    sim, pages = Simulation(1), list[object]()
    sim.start(diary(sim, "a", pages))
    address = sim.book.address("a")
    address.tell("lost")
    sim.crash("a")
    assert not address.hint("away")
    sim.advance(SECOND)
    address.tell("new")
    sim.run_until_idle()
    assert pages == [ExitReason.CRASHED, "new"]
    assert sim.crashes == ["a: crashed by the test"]
    assert sim.snapshot("a").restarts == 1
    assert sim.snapshot("a").dropped_hints == 1


def test_ask_is_answered_after_what_was_told_before() -> None:
    """An inline ask takes its turn in the mailbox, so one sender's order holds."""
    sim, pages = Simulation(1), list[object]()
    sim.start(diary(sim, "a", pages))
    address = sim.book.address("a")
    address.tell("first")
    assert address.ask("second", SECOND) == "second"
    assert pages == ["first", "second"]


def test_ask_raises_what_the_handler_raised() -> None:
    """An `IntercomError` goes to the asker and ends nobody."""
    sim, pages = Simulation(1), list[object]()
    sim.start(diary(sim, "a", pages))
    with pytest.raises(NotFound):
        sim.book.address("a").ask(NotFound("no such thing"), SECOND)
    assert sim.crashes == []


def test_cycle_of_asks_fails_the_test() -> None:
    """Two actors that wait for each other are found although the crash rule swallows the first report."""
    sim, pages = Simulation(1), list[object]()
    sim.start(diary(sim, "a", pages), diary(sim, "b", pages))
    sim.book.address("a").tell(Forward("b", Forward("a", "?")))
    with pytest.raises(AssertionError, match="cycle of asks"):
        sim.run_until_idle()


def test_every_fires_at_its_own_times_when_time_passes() -> None:
    """Timers run in the order of their due times on the virtual clock."""
    sim, pages = Simulation(1), list[object]()
    sim.start(diary(sim, "a", pages))
    sim.book.address("a").tell("tick")
    sim.advance(timedelta(seconds=3.5))
    assert pages == ["tick", "ticked", "ticked", "ticked"]


class Stubborn:
    """Needs the store, which is away for a number of tries."""

    def __init__(self, failures: int, done: list[object]) -> None:
        self._failures = failures
        self._done = done

    def handle(self, item: object) -> None:
        if self._failures:
            self._failures -= 1
            raise StoreUnavailable("away")
        self._done.append(item)


def test_parked_item_is_handled_first_when_the_store_is_back() -> None:
    """Parking keeps item and order, counts no restart, and an ask behind it times out."""
    sim, done = Simulation(1), list[object]()
    sim.start(ChildSpec("a", lambda _: Stubborn(3, done)))
    address = sim.book.address("a")
    address.tell(1)
    address.tell(2)
    sim.run_until_idle()
    assert sim.snapshot("a").state is NodeState.PARKED
    with pytest.raises(AskTimeout):
        address.ask(3, SECOND)
    sim.advance(SECOND)
    assert done == [1, 2, 3]
    assert sim.crashes == []


def test_monitor_hears_once_after_everything_linked_is_gone() -> None:
    """Ends of linked children are told from the leaf inwards, each once."""
    sim, pages = Simulation(3), list[object]()
    sim.start(DynamicSpec("runs"), diary(sim, "watch", pages))
    runs, watch = sim.book.children("runs"), sim.book.address("watch")
    for name, linked_to in (("queue", None), ("run", "queue")):
        spec = diary(sim, name, [])
        runs.start(ChildSpec(name, spec.factory, monitors=(watch,), linked_to=linked_to)).tell("early")
    sim.run_until_idle()
    sim.crash("runs/queue")
    sim.run_until_idle()
    assert pages == [
        ChildExited("run", ExitReason.LINK_DIED, None),
        ChildExited("queue", ExitReason.CRASHED, "crashed by the test"),
    ]
    assert runs.names() == frozenset()


def test_root_gives_up_when_a_child_crashes_too_often() -> None:
    """Intensity is counted on the virtual clock; beyond it the root stops everything."""
    sim, pages = Simulation(1), list[object]()
    sim.start(SupervisorSpec("root", children=(diary(sim, "a", pages),), max_restarts=1))
    sim.crash("a")
    sim.advance(SECOND)
    sim.crash("a")
    assert sim.gave_up is not None
    with pytest.raises(ActorUnavailable):
        sim.book.address("a").tell("anything")


@pytest.mark.parametrize(
    ("pause_s", "is_up"), [(9.0, False), (11.0, True)], ids=["within the window", "outside the window"]
)
def test_intensity_forgets_failures_that_left_the_window(pause_s: float, is_up: bool) -> None:
    """Only failures within the window count."""
    sim, pages = Simulation(1), list[object]()
    child = diary(sim, "a", pages)
    sim.start(SupervisorSpec("root", children=(child,), max_restarts=1, within=timedelta(seconds=10)))
    sim.crash("a")
    sim.advance(timedelta(seconds=pause_s))
    sim.crash("a")
    sim.advance(SECOND)
    assert (sim.gave_up is None) == is_up


def test_rest_for_one_restarts_what_was_started_later() -> None:
    """The simulator follows the strategy: earlier siblings are left alone."""
    sim, pages = Simulation(1), list[object]()
    children = tuple(diary(sim, name, pages) for name in "abc")
    sim.start(SupervisorSpec("root", Strategy.REST_FOR_ONE, children))
    sim.crash("b")
    sim.advance(SECOND)
    assert [sim.snapshot(name).restarts for name in "abc"] == [0, 1, 1]


def test_activate_starts_an_idle_subtree_and_rolls_back_a_failure() -> None:
    """The flag's path: idle, active, idle again; a failing start leaves nothing running."""
    sim, pages = Simulation(1), list[object]()
    broken: list[Exception] = []

    def fragile(context: Context) -> Actor:
        if broken:
            raise broken[0]
        return Diary(context, pages, sim)

    part = SupervisorSpec("part", children=(diary(sim, "a", pages), ChildSpec("b", fragile)), starts_idle=True)
    sim.start(part, diary(sim, "other", pages))
    assert sim.snapshot("part").state is NodeState.IDLE
    sim.activate("part")
    assert sim.book.address("part/a").ask("there", SECOND) == "there"
    sim.deactivate("part")
    broken.append(ValueError("no"))
    with pytest.raises(StartFailed, match="no"):
        sim.activate("part")
    assert not sim.book.address("part/a").hint("gone?")
    assert sim.snapshot("other").state is NodeState.RUNNING


class Executor(Diary):
    """Keeps what was left when it was stopped."""

    def on_leftovers(self, items: Sequence[object]) -> None:
        self._pages.append(("left", *items))


def test_stopped_actor_gets_what_is_left_in_its_mailbox() -> None:
    """An actor that wants its leftovers gets the told items in order, before `on_stop`, and takes no new ones."""
    sim, pages = Simulation(1), list[object]()
    sim.start(ChildSpec("a", lambda context: Executor(context, pages, sim)))
    address = sim.book.address("a")
    address.tell("x")
    address.tell("y")
    sim.stop()
    assert pages == [("left", "x", "y"), ExitReason.SHUTDOWN]
    assert not address.hint("z")


def test_crashed_actor_gets_no_leftovers() -> None:
    """A state that a crash has spoilt decides nothing more."""
    sim, pages = Simulation(1), list[object]()
    sim.start(ChildSpec("a", lambda context: Executor(context, pages, sim), restart=Restart.TEMPORARY))
    sim.book.address("a").tell("x")
    sim.crash("a")
    assert pages == [ExitReason.CRASHED]
