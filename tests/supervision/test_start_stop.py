"""Starting is synchronous and may fail; stopping is complete when it returns."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from intercomd.errors import ActorUnavailable
from intercomd.supervision.errors import StartFailed
from intercomd.supervision.port import Actor, ChildSpec, Context, DynamicSpec, ExitReason, SupervisorSpec
from intercomd.supervision.snapshot import NodeState
from intercomd.supervision.tree import SupervisionTree
from tests.supervision.forest import SECOND, SOON, Forest, Puppet, WaitFor
from tests.support.waiting import DEADLINE_SECONDS, wait_for

SHUTDOWN = ExitReason.SHUTDOWN


def test_tree_starts_in_order_and_stops_in_reverse(forest: Forest) -> None:
    """Nested supervisors count as one child, in their place."""
    inner = SupervisorSpec("inner", children=(forest.puppet("b"), forest.puppet("c")))
    tree = forest.grow(forest.puppet("a"), inner, forest.puppet("d"))
    assert tree.stop(SECOND) == ()
    starts = [(name, "start") for name in "abcd"]
    assert forest.seen.values == [*starts, *((name, SHUTDOWN) for name in "dcba")]


@pytest.mark.parametrize("position", range(3))
@pytest.mark.parametrize(
    "error", [ValueError("no"), SystemExit(1), KeyboardInterrupt()], ids=lambda e: type(e).__name__
)
def test_start_failure_stops_what_was_started(forest: Forest, position: int, error: BaseException) -> None:
    """Whatever a start raises, at whatever position: `StartFailed`, and nothing is left running."""

    def fail(_: Context) -> Actor:
        raise error

    children = [forest.puppet(name) for name in "abc"]
    children[position] = ChildSpec("broken", fail)
    with pytest.raises(StartFailed, match=f"broken: {type(error).__name__}"):
        forest.grow(*children)
    before = "abc"[:position]
    assert forest.seen.values == [*((n, "start") for n in before), *((n, SHUTDOWN) for n in reversed(before))]


def test_failing_on_start_is_a_start_failure_without_on_stop(forest: Forest) -> None:
    """`on_stop` releases what a start acquired; a start that failed released it itself."""

    class Failing(Puppet):
        def on_start(self) -> None:
            raise OSError("port taken")

    with pytest.raises(StartFailed, match="OSError: port taken"):
        forest.grow(ChildSpec("a", lambda context: Failing("a", context, forest.seen)))
    assert forest.seen.values == []


def test_start_that_hangs_fails_at_its_deadline(forest: Forest) -> None:
    """A start beyond its deadline fails the tree; the thread is reported as a zombie until it ends."""
    gate = forest.gate()

    class Slow(Puppet):
        def on_start(self) -> None:
            assert gate.wait(DEADLINE_SECONDS)

    spec = ChildSpec("slow", lambda context: Slow("slow", context, forest.seen), start_timeout=SOON, stop_timeout=SOON)
    tree = forest.plant(forest.puppet("a"), spec)
    with pytest.raises(StartFailed, match=r"slow: did not start within 0\.05 s"):
        tree.start()
    assert tree.snapshot().zombies == ("slow",)
    assert ("a", SHUTDOWN) in forest.seen.values


def test_nested_start_failure_names_the_child(forest: Forest) -> None:
    """The text of `StartFailed` leads to the child, however deep."""

    def fail(_: Context) -> Actor:
        raise ValueError("no")

    inner = SupervisorSpec("inner", children=(ChildSpec("broken", fail),))
    with pytest.raises(StartFailed, match="inner/broken: ValueError: no"):
        forest.grow(forest.puppet("a"), inner)


def test_siblings_of_one_name_are_refused(forest: Forest) -> None:
    """A path must mean one actor."""
    with pytest.raises(ValueError, match="two children of one name"):
        forest.plant(forest.puppet("a"), forest.puppet("a"))


def test_stop_does_not_wait_for_the_mailbox(forest: Forest) -> None:
    """The item in hand is finished; what waits behind it is dropped, asks at once with an error."""
    tree = forest.grow(forest.puppet("a"))
    gate = forest.hold("a")
    forest.tell("a", "never")
    errors: list[BaseException] = []

    def ask() -> None:
        try:
            forest.ask("a", "question")
        except ActorUnavailable as error:
            errors.append(error)

    asker = threading.Thread(target=ask)
    asker.start()
    stopper = threading.Thread(target=tree.stop, args=(SECOND * 5,))
    stopper.start()
    asker.join(DEADLINE_SECONDS)
    assert len(errors) == 1
    gate.set()
    stopper.join(DEADLINE_SECONDS)
    assert forest.seen.values == [("a", "start"), ("a", SHUTDOWN)]


def test_actor_beyond_its_stop_budget_becomes_a_zombie(forest: Forest) -> None:
    """The others stop in order; the name of the thread left behind is returned."""
    tree = forest.grow(forest.puppet("a"), forest.puppet("stuck", stop_timeout=SOON))
    forest.hold("stuck")
    assert tree.stop(SECOND * 5) == ("stuck",)
    state = tree.snapshot().find("stuck")
    assert state is not None
    assert state.state is NodeState.ZOMBIE
    assert forest.seen.values[-1] == ("a", SHUTDOWN)


def test_stop_ends_at_its_own_timeout(forest: Forest) -> None:
    """Whatever the children's budgets: at the tree's time-out the rest is asked at once and left behind."""
    tree = forest.grow(forest.puppet("a"), forest.puppet("stuck"))
    forest.hold("stuck")
    assert tree.stop(SOON) == ("stuck",)
    forest.seen.wait_for(lambda event: event == ("a", SHUTDOWN), "a was stopped too")


def test_stop_can_be_repeated(forest: Forest) -> None:
    """A second stop has nothing to do."""
    tree = forest.grow(forest.puppet("a"))
    assert tree.stop(SECOND) == tree.stop(SECOND) == ()
    assert forest.seen.values.count(("a", SHUTDOWN)) == 1


def test_failing_on_stop_stops_the_actor_all_the_same(forest: Forest) -> None:
    """Even SystemExit in a clean-up ends nobody else."""

    class Failing(Puppet):
        def on_stop(self, reason: ExitReason) -> None:
            raise SystemExit(1)

    tree = forest.grow(forest.puppet("a"), ChildSpec("b", lambda context: Failing("b", context, forest.seen)))
    assert tree.stop(SECOND) == ()
    assert forest.log.wait_for_event("actor.stop_failed", actor="b")
    assert forest.seen.values[-1] == ("a", SHUTDOWN)


# -- subtrees that start idle ------------------------------------------------------------------------


def idle_part(forest: Forest, *more: ChildSpec) -> SupervisorSpec:
    return SupervisorSpec("part", children=(forest.puppet("a"), DynamicSpec("runs"), *more), starts_idle=True)


def state_of(tree: SupervisionTree, path: str) -> NodeState:
    node = tree.snapshot().find(path)
    assert node is not None
    return node.state


def test_idle_subtree_starts_when_activated(forest: Forest) -> None:
    """Before, its addresses refuse; after, they work; deactivated, they refuse again. As often as wanted."""
    tree = forest.grow(idle_part(forest), forest.puppet("other"))
    for _ in range(2):
        assert state_of(tree, "part") is NodeState.IDLE
        assert not forest.book.address("part/a").hint("early")
        with pytest.raises(ActorUnavailable):
            forest.book.children("part/runs").start(forest.puppet("run"))
        tree.activate("part")
        tree.activate("part")
        assert forest.ask("part/a", "there") == "there"
        tree.deactivate("part", SECOND)
        tree.deactivate("part", SECOND)
    assert state_of(tree, "other") is NodeState.RUNNING
    assert tree.stop(SECOND) == ()


def test_failed_activation_rolls_back_and_can_be_repeated(forest: Forest) -> None:
    """The rest of the tree neither stops nor counts a failure."""
    is_broken = True

    def make(context: Context) -> Actor:
        if is_broken:
            raise ValueError("no")
        return Puppet("b", context, forest.seen)

    tree = forest.grow(idle_part(forest, ChildSpec("b", make)), max_restarts=0)
    with pytest.raises(StartFailed, match="part/b: ValueError: no"):
        tree.activate("part")
    assert forest.seen.values == [("a", "start"), ("a", SHUTDOWN)]
    assert state_of(tree, "part") is NodeState.FAILED
    is_broken = False
    tree.activate("part")
    assert forest.ask("part/b", "there") == "there"


def test_active_subtree_that_gives_up_is_restarted_active(forest: Forest) -> None:
    """The wish to be active outlives a crash of the subtree."""
    tree = forest.grow(SupervisorSpec("part", children=(forest.puppet("a"),), max_restarts=0, starts_idle=True))
    tree.activate("part")
    forest.crash("part/a")
    forest.await_restarted("part/a")
    assert forest.ask("part/a", "there") == "there"


def test_deactivate_ends_at_its_timeout(forest: Forest) -> None:
    """A stuck actor does not hold up the drain; the subtree can be activated anew beside the zombie."""
    tree = forest.grow(idle_part(forest))
    tree.activate("part")
    gate = forest.hold("part/a")
    tree.deactivate("part", SOON)
    assert tree.snapshot().zombies == ("part/a",)
    tree.activate("part")
    assert forest.ask("part/a", "there") == "there"
    gate.set()
    forest.log.wait_for_event("actor.zombie_ended", actor="part/a")
    assert tree.snapshot().zombies == ()


def test_unknown_subtree_is_refused(forest: Forest) -> None:
    """A typo is an error of the caller."""
    with pytest.raises(ValueError, match="'prat'"):
        forest.grow(idle_part(forest)).activate("prat")


def test_deactivate_ends_a_start_in_progress(forest: Forest) -> None:
    """Told to stop while a child starts, a subtree stops it when it has started, and whoever waits is told."""
    entered, gate = threading.Event(), forest.gate()

    class Slow(Puppet):
        def on_start(self) -> None:
            super().on_start()
            self.handle(WaitFor(gate, entered))

    part = SupervisorSpec("part", children=(ChildSpec("a", lambda c: Slow("a", c, forest.seen)),), starts_idle=True)
    tree = forest.grow(part)
    failures: list[str] = []

    def activate() -> None:
        try:
            tree.activate("part")
        except StartFailed as error:
            failures.append(str(error))

    activator = threading.Thread(target=activate)
    activator.start()
    wait_for(entered, "the child starts")
    stopper = threading.Thread(target=tree.deactivate, args=("part", timedelta(seconds=5)))
    stopper.start()
    forest.log.wait_for_event("supervisor.stopping", supervisor="part")
    gate.set()
    activator.join(DEADLINE_SECONDS)
    stopper.join(DEADLINE_SECONDS)
    assert len(failures) == 1
    assert forest.seen.values == [("a", "start"), ("a", SHUTDOWN)]
