"""Children asked for at run time: names, links, monitors, and a supervisor that never blocks."""

from __future__ import annotations

import contextlib
import random
import threading
from datetime import timedelta

import pytest

from intercomd.errors import ActorUnavailable
from intercomd.supervision.port import Actor, ChildExited, ChildSpec, Context, DynamicSpec, ExitReason
from tests.supervision.forest import EXIT, SECOND, SOON, Forest, Puppet, Raise
from tests.support.waiting import DEADLINE_SECONDS

CRASHED, NORMAL, SHUTDOWN = ExitReason.CRASHED, ExitReason.NORMAL, ExitReason.SHUTDOWN


def child(
    forest: Forest, name: str, *, linked_to: str | None = None, stop_timeout: timedelta = SECOND * 5
) -> ChildSpec:
    """A puppet that the watcher monitors."""
    watcher = forest.book.address("watcher")
    return ChildSpec(
        name,
        lambda context: Puppet(name, context, forest.seen),
        monitors=(watcher,),
        linked_to=linked_to,
        stop_timeout=stop_timeout,
    )


def test_items_told_before_it_runs_are_kept_in_order(forest: Forest) -> None:
    """The address works from the moment it is returned."""
    runs = forest.grow_runs()
    entered, gate = threading.Event(), forest.gate()

    def slow(context: Context) -> Actor:
        entered.set()
        assert gate.wait(DEADLINE_SECONDS)
        return Puppet("x", context, forest.seen)

    address = runs.start(ChildSpec("x", slow))
    for number in range(5):
        address.tell(number)
    assert entered.wait(DEADLINE_SECONDS)
    address.tell(5)
    gate.set()
    address.ask("last", SECOND * 5)
    assert [what for name, what in forest.seen.values if name == "x"] == ["start", *range(6), "last"]


def test_start_and_stop_wait_for_nobody(forest: Forest) -> None:
    """While one child hangs in its start and another in its stop, others come and go."""
    runs = forest.grow_runs()
    gate = forest.gate()

    def hang(context: Context) -> Actor:
        assert gate.wait(DEADLINE_SECONDS)
        return Puppet("hang", context, forest.seen)

    runs.start(ChildSpec("hang", hang))
    runs.start(child(forest, "busy"))
    forest.hold("runs/busy")
    runs.stop("busy")
    assert runs.start(child(forest, "quick")).ask("there", SECOND * 5) == "there"
    assert runs.names() == {"hang", "busy", "quick"}
    runs.stop("quick")
    forest.await_exit("quick")


@pytest.mark.parametrize(
    ("item", "reason", "error"),
    [(EXIT, NORMAL, None), (Raise(ValueError("x")), CRASHED, "ValueError: x"), (None, SHUTDOWN, None)],
    ids=["exit", "crash", "stop"],
)
def test_monitor_hears_why_a_child_ended(forest: Forest, item: object, reason: ExitReason, error: str | None) -> None:
    """Exactly once, after which the name is free; the child is not restarted."""
    runs = forest.grow_runs()
    address = runs.start(child(forest, "x"))
    if item is None:
        runs.stop("x")
    else:
        address.tell(item)
    assert forest.await_exit("x") == ChildExited("x", reason, error)
    assert runs.names() == frozenset()
    with pytest.raises(ActorUnavailable):
        address.tell("gone")
    runs.start(child(forest, "x")).tell(EXIT)
    forest.await_exits(2)


def test_failed_start_reaches_the_monitors(forest: Forest) -> None:
    """Nobody waits for a start, so its failure comes as an exit."""

    def fail(_: Context) -> Actor:
        raise ValueError("no")

    runs = forest.grow_runs()
    runs.start(ChildSpec("x", fail, monitors=(forest.book.address("watcher"),)))
    assert forest.await_exit("x") == ChildExited("x", ExitReason.START_FAILED, "ValueError: no")


def test_name_in_use_is_refused(forest: Forest) -> None:
    """One child per name, at once and without asking the supervisor's thread."""
    runs = forest.grow_runs()
    runs.start(child(forest, "x"))
    with pytest.raises(ValueError, match="'x'"):
        runs.start(child(forest, "x"))


def test_link_to_itself_is_refused(forest: Forest) -> None:
    """It would wait for its own end."""
    with pytest.raises(ValueError, match="itself"):
        forest.grow_runs().start(child(forest, "x", linked_to="x"))


def test_stop_of_an_unknown_name_is_ignored(forest: Forest) -> None:
    """It may have ended by itself."""
    runs = forest.grow_runs()
    runs.stop("nobody")
    assert runs.start(child(forest, "x")).ask("there", SECOND * 5) == "there"


def test_linked_child_is_gone_before_the_monitors_hear(forest: Forest) -> None:
    """Group queue and run: when the queue dies, its monitor hears of it only after the run has ended."""
    runs = forest.grow_runs()
    runs.start(child(forest, "queue"))
    runs.start(child(forest, "run", linked_to="queue"))
    forest.ask("runs/run", "there")
    gate = forest.hold("runs/run")
    forest.crash("runs/queue")
    forest.seen.wait_for(lambda event: event == ("queue", CRASHED), "the crash")
    assert "queue" in runs.names()
    gate.set()
    exits = forest.await_exits(2)
    assert exits == [
        ChildExited("run", ExitReason.LINK_DIED, None),
        ChildExited("queue", CRASHED, "ValueError: told to"),
    ]


def test_linked_child_may_end_first(forest: Forest) -> None:
    """A link has one direction."""
    runs = forest.grow_runs()
    runs.start(child(forest, "queue"))
    runs.start(child(forest, "run", linked_to="queue")).tell(EXIT)
    assert forest.await_exit("run").reason is NORMAL
    assert forest.ask("runs/queue", "there") == "there"


def test_child_linked_to_nobody_does_not_start(forest: Forest) -> None:
    """The peer ended in between: its monitors hear it like any other end."""
    runs = forest.grow_runs()
    runs.start(child(forest, "run", linked_to="queue"))
    assert forest.await_exit("run") == ChildExited("run", ExitReason.LINK_DIED, None)
    assert ("run", "start") not in forest.seen.values


def test_child_beyond_its_stop_budget_is_let_go(forest: Forest) -> None:
    """Its monitors hear ZOMBIE and its name is free; nobody waits for the thread."""
    runs = forest.grow_runs()
    runs.start(child(forest, "x", stop_timeout=SOON))
    forest.hold("runs/x")
    runs.stop("x")
    assert forest.await_exit("x").reason is ExitReason.ZOMBIE
    assert runs.names() == frozenset()
    assert forest.tree is not None
    assert forest.tree.snapshot().zombies == ("runs/x",)


def test_full_monitor_hears_all_the_same(forest: Forest) -> None:
    """A lost exit would leak a slot, so it passes the bound."""
    runs = forest.grow_runs(mailbox_limit=1)
    gate = forest.hold("watcher")
    forest.tell("watcher", "fills it")
    runs.start(child(forest, "x")).tell(EXIT)
    runs.start(child(forest, "y")).tell(EXIT)
    forest.seen.wait_for(lambda event: event == ("y", NORMAL), "y ends")
    gate.set()
    assert {exited.name for exited in forest.await_exits(2)} == {"x", "y"}


@pytest.mark.parametrize(("max_crashes", "is_up"), [(0, True), (1, False), (5, True)])
def test_dynamic_supervisor_gives_up_beyond_its_crashes(forest: Forest, max_crashes: int, is_up: bool) -> None:
    """Zero means never; beyond the limit it escalates."""
    runs = forest.grow_runs(max_crashes=max_crashes, max_restarts=0)
    for name in ("x", "y"):
        runs.start(child(forest, name)).tell(Raise(ValueError("x")))
        forest.log.wait_for_event("actor.crashed", actor=f"runs/{name}")
    if is_up:
        assert runs.start(child(forest, "z")).ask("there", SECOND * 5) == "there"
        assert forest.gave_up.values == []
    else:
        assert "gave up after too many crashes" in forest.gave_up.wait_for_count(1)[0]


def test_stop_ends_all_children_at_once(forest: Forest) -> None:
    """Every child has its budget to itself: two stuck ones do not add up."""
    runs = forest.grow_runs()
    for name in ("x", "y", "z"):
        runs.start(child(forest, name, stop_timeout=SOON))
    forest.hold("runs/x")
    forest.hold("runs/y")
    assert forest.tree is not None
    assert set(forest.tree.stop(SECOND * 5)) == {"runs/x", "runs/y"}
    assert ("z", SHUTDOWN) in forest.seen.values


def test_children_outlive_a_crash_of_their_monitor(forest: Forest) -> None:
    """The dispatcher's crash ends no run; its next life finds them by name and path."""
    runs = forest.grow_runs()
    runs.start(child(forest, "x"))
    forest.crash("watcher")
    forest.await_restarted("watcher")
    assert runs.names() == {"x"}
    assert forest.ask("runs/x", "there") == "there"


def test_a_thousand_children_live_at_once(forest: Forest) -> None:
    """Threads follow live groups; a thousand work and stop."""
    runs = forest.grow_runs()
    names = [f"r{number}" for number in range(1000)]
    for name in names:
        runs.start(forest.puppet(name))
    assert all(forest.ask(f"runs/{name}", name) == name for name in names)
    assert forest.tree is not None
    assert forest.tree.stop(SECOND * 20) == ()


@pytest.mark.parametrize("seed", range(3))
def test_every_start_has_its_exit_under_concurrent_starts_and_stops(forest: Forest, seed: int) -> None:
    """Four threads start, stop and crash children of few names: as many exits as accepted starts, none left."""
    runs = forest.grow_runs()
    accepted = [0] * 4

    def work(index: int) -> None:
        chance = random.Random(seed * 10 + index)
        for _ in range(150):
            name = f"r{chance.randrange(1, 20)}"
            what = chance.choice(("start", "start", "stop", "crash", "exit", "ask"))
            if what == "start":
                try:
                    linked_to = None if name == "r1" else chance.choice((None, None, "r1"))
                    runs.start(child(forest, name, linked_to=linked_to))
                    accepted[index] += 1
                except ValueError:
                    runs.stop(name)
            elif what == "stop":
                runs.stop(name)
            elif what == "ask":
                with contextlib.suppress(ActorUnavailable):
                    forest.ask(f"runs/{name}", index)
            else:
                forest.book.address(f"runs/{name}").hint(EXIT if what == "exit" else Raise(ValueError("x")))

    workers = [threading.Thread(target=work, args=(index,)) for index in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(DEADLINE_SECONDS)
    for name in runs.names():
        runs.stop(name)
    forest.await_exits(sum(accepted))
    assert runs.names() == frozenset()
    assert forest.tree is not None
    assert forest.tree.stop(SECOND * 5) == ()
    assert len(forest.exits()) == sum(accepted)


def test_stop_during_starts_leaves_nothing(forest: Forest) -> None:
    """A tree that stops while children are asked for refuses the rest and ends what was accepted."""
    runs = forest.grow_runs()
    begun = threading.Event()

    def start_many() -> None:
        for number in range(1_000):
            try:
                runs.start(forest.puppet(f"r{number}"))
            except ActorUnavailable:
                return
            begun.set()

    starter = threading.Thread(target=start_many)
    starter.start()
    assert begun.wait(DEADLINE_SECONDS)
    assert forest.tree is not None
    assert forest.tree.stop(SECOND * 10) == ()
    starter.join(DEADLINE_SECONDS)
    assert runs.names() == frozenset()


def test_dynamic_spec_is_empty_at_first(forest: Forest) -> None:
    """Names are a snapshot, before the tree starts too."""
    forest.plant(DynamicSpec("runs"))
    assert forest.book.children("runs").names() == frozenset()
