"""Who is restarted, when, how often, and what happens beyond that."""

from __future__ import annotations

import threading
from datetime import timedelta
from random import Random

import pytest

from intercomd.errors import ActorUnavailable
from intercomd.supervision.intensity import Intensity
from intercomd.supervision.policy import Policy
from intercomd.supervision.port import Actor, ChildSpec, Context, ExitReason, Restart, Strategy, SupervisorSpec
from intercomd.supervision.snapshot import NodeState
from tests.supervision.forest import AT_ONCE, EXIT, PATIENT, SECOND, SOON, Forest, Puppet, Raise
from tests.support.waiting import DEADLINE_SECONDS

CRASHED, NORMAL, SHUTDOWN = ExitReason.CRASHED, ExitReason.NORMAL, ExitReason.SHUTDOWN


@pytest.mark.parametrize("strategy", Strategy)
@pytest.mark.parametrize(
    ("restart", "reason", "is_restarted"),
    [
        (Restart.PERMANENT, CRASHED, True),
        (Restart.PERMANENT, NORMAL, True),
        (Restart.TRANSIENT, CRASHED, True),
        (Restart.TRANSIENT, NORMAL, False),
        (Restart.TEMPORARY, CRASHED, False),
        (Restart.TEMPORARY, NORMAL, False),
    ],
)
def test_ended_child_is_restarted_by_its_type(
    forest: Forest, strategy: Strategy, restart: Restart, reason: ExitReason, is_restarted: bool
) -> None:
    """Permanent always, transient after a failure, temporary never; siblings follow by the strategy."""
    tree = forest.grow(forest.puppet("a"), forest.puppet("b", restart), forest.puppet("c"), strategy=strategy)
    if reason is CRASHED:
        forest.crash("b")
    else:
        forest.tell("b", EXIT)
    if is_restarted:
        affected = {Strategy.ONE_FOR_ONE: "b", Strategy.REST_FOR_ONE: "bc", Strategy.ONE_FOR_ALL: "abc"}[strategy]
        forest.await_restarted(*affected)
    else:
        affected = ""
        forest.log.wait_for_event("actor.ended", actor="b", reason=reason)
    starts = [name for name, what in forest.seen.values if what == "start"]
    assert starts == [*"abc", *affected]
    stops = [(name, what) for name, what in forest.seen.values if isinstance(what, ExitReason)]
    others = [(name, SHUTDOWN) for name in reversed(affected) if name != "b"]
    assert stops == [("b", reason), *others]
    node = tree.snapshot().find("b")
    assert node is not None
    ended = NodeState.FAILED if reason is CRASHED else NodeState.STOPPED
    assert node.state is (NodeState.RUNNING if is_restarted else ended)


@pytest.mark.parametrize("strategy", [Strategy.REST_FOR_ONE, Strategy.ONE_FOR_ALL])
def test_group_restart_leaves_temporary_siblings_stopped(forest: Forest, strategy: Strategy) -> None:
    """A temporary child that goes down with its group stays down."""
    forest.grow(forest.puppet("a"), forest.puppet("b", Restart.TEMPORARY), forest.puppet("c"), strategy=strategy)
    forest.crash("a")
    forest.await_restarted("a", "c")
    assert [name for name, what in forest.seen.values if what == "start"] == [*"abc", *"ac"]
    assert not forest.book.address("b").hint("gone")


@pytest.mark.parametrize(
    "error", [ValueError("x"), SystemExit(3), KeyboardInterrupt(), GeneratorExit()], ids=lambda e: type(e).__name__
)
def test_crash_ends_one_actor_only(forest: Forest, error: BaseException) -> None:
    """Also what would make Pykka stop every actor is one actor's crash, seen and healed (hazards B-102, B-107)."""
    forest.grow(forest.puppet("a"), forest.puppet("b"))
    forest.tell("a", Raise(error))
    forest.await_restarted("a")
    assert forest.ask("b", "there") == "there"
    assert ("a", CRASHED) in forest.seen.values
    assert ("b", SHUTDOWN) not in forest.seen.values


def test_address_survives_restarts(forest: Forest) -> None:
    """The same handle reaches the next incarnation; in between it says so."""
    forest.grow(forest.puppet("a"), policy=Policy(restart_first=SECOND * 60, restart_longest=SECOND * 60))
    address = forest.book.address("a")
    forest.crash("a")
    forest.seen.wait_for(lambda event: event == ("a", CRASHED), "the crash")
    with pytest.raises(ActorUnavailable):
        address.ask("anyone?", SECOND)


def test_root_gives_up_once_beyond_its_intensity(forest: Forest) -> None:
    """After too many failures the children are stopped and the daemon is told, once."""
    tree = forest.grow(forest.puppet("a"), forest.puppet("b"), max_restarts=1)
    forest.crash("a")
    forest.await_restarted("a")
    forest.crash("b")
    (reason,) = forest.gave_up.wait_for_count(1)
    assert "crashed in b: ValueError: told to" in reason
    assert forest.seen.values[-1] == ("a", SHUTDOWN)
    assert tree.stop(SECOND) == ()
    assert len(forest.gave_up.values) == 1
    assert forest.log.wait_for_event("supervisor.gave_up", supervisor="root", child="b")


def test_supervisor_that_gives_up_is_restarted_by_its_parent(forest: Forest) -> None:
    """Escalation: the parent counts one failure and starts the whole subtree anew."""
    inner = SupervisorSpec("inner", children=(forest.puppet("a"), forest.puppet("b")), max_restarts=0)
    tree = forest.grow(inner, forest.puppet("c"))
    forest.crash("inner/b")
    forest.log.wait_for_event("supervisor.started", supervisor="inner", restarts=1)
    assert ("c", SHUTDOWN) not in forest.seen.values
    node = tree.snapshot().find("inner")
    assert node is not None
    assert (node.restarts, node.state) == (1, NodeState.RUNNING)


def test_escalation_reaches_the_root(forest: Forest) -> None:
    """Nobody tolerates anything: one crash three levels down ends the tree."""
    deep = SupervisorSpec("deep", children=(forest.puppet("a"),), max_restarts=0)
    middle = SupervisorSpec("middle", children=(deep,), max_restarts=0)
    forest.grow(middle, max_restarts=0)
    forest.crash("middle/deep/a")
    (reason,) = forest.gave_up.wait_for_count(1)
    assert "middle/deep/a" in reason


@pytest.mark.parametrize("restart", [Restart.TEMPORARY, Restart.TRANSIENT])
def test_subtree_follows_its_own_restart_type(forest: Forest, restart: Restart) -> None:
    """A supervisor that gave up is a crashed child: a transient one comes back, a temporary one does not."""
    inner = SupervisorSpec("inner", children=(forest.puppet("a"),), max_restarts=0, restart=restart)
    tree = forest.grow(inner)
    forest.crash("inner/a")
    if restart is Restart.TRANSIENT:
        forest.await_restarted("inner/a")
    else:
        forest.log.wait_for_event("actor.ended", actor="inner")
        node = tree.snapshot().find("inner")
        assert node is not None
        assert node.state is NodeState.FAILED
    assert forest.gave_up.values == []


def test_child_that_crashes_at_every_restart_escalates(forest: Forest) -> None:
    """A start that fails for ever is a failure each time, until the root gives up."""
    starts = 0

    def make(context: Context) -> Actor:
        nonlocal starts
        starts += 1
        if starts > 1:
            raise ValueError("never again")
        return Puppet("a", context, forest.seen)

    forest.grow(ChildSpec("a", make), max_restarts=3)
    forest.crash("a")
    (reason,) = forest.gave_up.wait_for_count(1)
    assert "start_failed in a: ValueError: never again" in reason
    assert starts == 4


def test_restarted_child_that_does_not_answer_counts_as_a_crash(forest: Forest) -> None:
    """Recovery is verified: a new incarnation stuck in its first item is no recovery."""
    gate = forest.gate()
    starts = 0

    class Stuck(Puppet):
        def on_start(self) -> None:
            nonlocal starts
            starts += 1
            if starts == 2:
                self._context.address.tell("get stuck")
                assert gate.wait(DEADLINE_SECONDS)

    spec = ChildSpec("a", lambda c: Stuck("a", c, forest.seen), start_timeout=SOON, stop_timeout=SOON)
    tree = forest.grow(spec)
    forest.crash("a")
    forest.await_restarted("a")
    assert starts == 3
    assert tree.snapshot().zombies == ("a",)
    assert forest.log.wait_for_event("actor.start_overdue", actor="a")


def test_crash_with_a_stuck_clean_up_is_restarted_beside_its_zombie(forest: Forest) -> None:
    """A clean-up after a crash has the stop budget, no more."""
    gate = forest.gate()
    lives: list[Puppet] = []

    class Clinging(Puppet):
        def on_stop(self, reason: ExitReason) -> None:
            if len(lives) == 1:
                assert gate.wait(DEADLINE_SECONDS)

    def make(context: Context) -> Actor:
        lives.append(Clinging("a", context, forest.seen))
        return lives[-1]

    tree = forest.grow(ChildSpec("a", make, stop_timeout=SOON))
    forest.crash("a")
    forest.await_restarted("a")
    assert tree.snapshot().zombies == ("a",)
    assert forest.ask("a", "there") == "there"


def test_second_failure_during_a_group_restart_widens_it(forest: Forest) -> None:
    """While `c` is being brought back, `a` fails: everything from `a` on is restarted."""
    entered, gate = threading.Event(), forest.gate()
    starts = 0

    class Slow(Puppet):
        def on_start(self) -> None:
            nonlocal starts
            starts += 1
            if starts == 2:
                entered.set()
                assert gate.wait(DEADLINE_SECONDS)
            super().on_start()

    slow = ChildSpec("c", lambda context: Slow("c", context, forest.seen), start_timeout=PATIENT)
    forest.grow(forest.puppet("a"), forest.puppet("b"), slow, strategy=Strategy.REST_FOR_ONE)
    forest.crash("c")
    assert entered.wait(DEADLINE_SECONDS)
    forest.crash("a")
    forest.seen.wait_for(lambda event: event == ("a", CRASHED), "the second crash")
    gate.set()
    forest.await_restarted("a", "b", "c")
    assert forest.ask("c", "there") == "there"
    stops = [(name, what) for name, what in forest.seen.values if isinstance(what, ExitReason)]
    assert stops == [("c", CRASHED), ("a", CRASHED), ("c", SHUTDOWN), ("b", SHUTDOWN)]


def test_failing_overseer_gives_up(forest: Forest) -> None:
    """A defect of supervision itself is no silence: the daemon is told to end."""
    tree = forest.grow(forest.puppet("a"))

    def defect() -> None:
        raise RuntimeError("a defect")

    tree._stage.post(defect)
    assert forest.gave_up.wait_for_count(1) == ["supervision itself failed: RuntimeError: a defect"]


@pytest.mark.parametrize(
    ("times", "limit", "is_exceeded"),
    [
        ([0, 1, 2], 3, False),
        ([0, 1, 2, 3], 3, True),
        ([0, 1, 2, 10.5], 3, False),
        ([0, 0], 0, True),
        ([0, 9.9, 10], 2, False),
    ],
)
def test_intensity_counts_the_window_only(times: list[float], limit: int, is_exceeded: bool) -> None:
    """More than `limit` failures within ten seconds; one that is ten seconds old is out."""
    intensity = Intensity(limit, timedelta(seconds=10))
    for now in times:
        intensity.record(now)
    assert intensity.is_exceeded is is_exceeded


def test_backoff_doubles_up_to_its_limit() -> None:
    """Parking waits 50 ms to 1 s, restarts half to all of 50 ms to 5 s, from a seed."""
    policy = Policy()
    assert [policy.park_delay(n).total_seconds() for n in (1, 2, 3, 6, 99)] == [0.05, 0.1, 0.2, 1.0, 1.0]
    waits = [policy.restart_delay(n, Random(0)) for n in (1, 2, 8, 99)]
    longest = [timedelta(milliseconds=ms) for ms in (50, 100, 5000, 5000)]
    assert all(limit / 2 <= wait <= limit for wait, limit in zip(waits, longest, strict=True))
    assert AT_ONCE.restart_delay(5, Random(0)) == timedelta(0)
