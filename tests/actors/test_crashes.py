"""Each actor crashes at each kind of item it takes, once just before and once just after handling it."""

from __future__ import annotations

from pathlib import Path

import pytest

from intercomd.domain.runs import Outcome
from tests.actors.world import Sabotage, World

CONVERSATION = [
    ("commands", "CommandStored"),
    ("commands", "Poll"),
    ("lease_keeper", "RenewLeases"),
    ("channels/local", "DeliverTexts"),
    ("channels/local", "TextsRecorded"),
    ("channels/local", "LiveText"),
    ("outbox", "OutboxFilled"),
    ("outbox", "Poll"),
    ("outbox", "TextDelivered"),
    ("outbox", "RecordDelivered"),
    ("orchestrator/dispatcher", "ChatReady"),
    ("orchestrator/dispatcher", "GroupIdle"),
    ("orchestrator/dispatcher", "GroupBusy"),
    ("orchestrator/dispatcher", "ChildExited"),
    ("orchestrator/dispatcher", "GroupCancelled"),
    ("orchestrator/dispatcher", "Poll"),
    ("orchestrator/message_loop", "ChatStored"),
    ("orchestrator/message_loop", "Poll"),
    ("orchestrator/runs/queue:a", "GrantSlot"),
    ("orchestrator/runs/queue:a", "PendingHint"),
    ("orchestrator/runs/queue:a", "RunIdle"),
    ("orchestrator/runs/queue:a", "RunBusy"),
    ("orchestrator/runs/queue:a", "RunFinished"),
    ("orchestrator/runs/queue:a", "GroupCancelled"),
    ("orchestrator/runs/queue:b", "YieldSlot"),
    ("orchestrator/runs/run:", "StartSandbox"),
    ("orchestrator/runs/run:", "FrameRead"),
    ("orchestrator/runs/run:", "FollowUpReady"),
    ("orchestrator/runs/run:", "CheckDeadline"),
    ("orchestrator/runs/run:", "CloseSandbox"),
    ("orchestrator/runs/run:", "VerifyRun"),
    ("orchestrator/runs/run:", "SandboxEnded"),
]


def live_through_everything(world: World) -> None:
    """A day on which every kind of item is sent at least once: turns, follow-ups, a cancel, waiting, idling."""
    world.say("a", "m1")
    world.settle()
    world.say("a", "m2")
    world.settle()
    world.say("b", "m3")
    world.settle()
    world.say("c", "m4")
    world.settle()
    world.pass_time(3)
    world.say("a", "m5 hang")
    world.pass_time(12)
    world.say("a", "/stop")
    world.pass_time(12)
    world.say("a", "m6")
    world.finish()


@pytest.mark.parametrize("is_before", [True, False], ids=["before", "after"])
@pytest.mark.parametrize(("path", "item"), CONVERSATION, ids=[f"{path}-{item}" for path, item in CONVERSATION])
def test_crash_of_any_actor_at_any_item_loses_and_doubles_nothing(
    tmp_path: Path, path: str, item: str, *, is_before: bool
) -> None:
    """Every request still has its one outcome, slots used = live runs, the root never gives up (B-23, B-107)."""
    sabotage = Sabotage(path, item, is_before)
    world = World(7, tmp_path, slots=2, sabotage=sabotage)
    try:
        live_through_everything(world)
        assert sabotage.has_struck, f"{path} never handled {item}"
        assert world.answered("a", "b", "c") == {"m1": 1, "m2": 1, "m3": 1, "m4": 1, "m6": 1}
        assert len([reply for reply in world.replies("a") if not reply.startswith("re: ")]) == 1
        assert world.sim.gave_up is None
        world.assert_at_rest()
    finally:
        world.close()


@pytest.mark.parametrize(
    ("path", "item"), [entry for entry in CONVERSATION if not entry[0].startswith("orchestrator/runs/run:")]
)
def test_crash_of_one_actor_leaves_the_runs_of_other_groups_alone(tmp_path: Path, path: str, item: str) -> None:
    """A run in flight in another group goes on in the same sandbox (B-66)."""
    world = World(3, tmp_path, slots=3, sabotage=Sabotage(path, item, is_before=True, has_struck=True))
    try:
        world.say("other", "m9 hang")
        world.settle()
        bystander = world.agents.started[0]
        world.sabotage.has_struck = False
        live_through_everything_but_waiting(world)
        assert bystander.is_alive
        assert not bystander.was_killed
        assert world.runs("other")[-1].outcome in (None, Outcome.TIMED_OUT)
    finally:
        world.close()


def live_through_everything_but_waiting(world: World) -> None:
    """As above, within the bystander's time-out."""
    world.say("a", "m1")
    world.settle()
    world.say("a", "m2")
    world.settle()
    world.say("a", "m5 hang")
    world.pass_time(12)
    world.say("a", "/stop")
    world.pass_time(30)


@pytest.mark.parametrize("is_before", [True, False], ids=["before", "after"])
def test_crash_of_a_run_and_then_of_its_queue_loses_nothing(tmp_path: Path, *, is_before: bool) -> None:
    """Two crashes in a row leave a live row without actors; the dispatcher's rescue settles it."""
    run = Sabotage("orchestrator/runs/run:", "FrameRead", is_before=True)
    queue = Sabotage("orchestrator/runs/queue:a", "ChildExited", is_before)
    world = World(7, tmp_path, sabotage=run)
    try:
        world.say("a", "m1")
        world.settle(lambda: run.has_struck)
        world.plan_sabotage(queue)
        world.finish()
        assert world.answered("a") == {"m1": 1}
        world.assert_at_rest()
    finally:
        world.close()


def test_cancel_that_was_told_to_a_dead_dispatcher_still_ends_the_run(tmp_path: Path) -> None:
    """The hint is lost, the stored generation is not: the sandbox dies all the same (B-21, B-28)."""
    world = World(7, tmp_path, sabotage=Sabotage("orchestrator/dispatcher", "GroupCancelled", is_before=True))
    try:
        world.say("a", "m1 hang")
        world.settle()
        world.say("a", "/stop")
        world.pass_time(8)
        assert world.sabotage.has_struck
        assert world.agents.started[0].was_killed
        world.finish()
        world.assert_at_rest()
    finally:
        world.close()


@pytest.mark.parametrize("is_before", [True, False], ids=["before", "after"])
@pytest.mark.parametrize(
    ("path", "item"),
    [
        ("orchestrator/dispatcher", "Drain"),
        ("orchestrator/runs/queue:a", "Drain"),
        ("orchestrator/runs/queue:a", "GraceOver"),
        ("orchestrator/runs/run:", "KillSandbox"),
    ],
)
def test_crash_while_draining_leaves_no_sandbox_and_loses_nothing(
    tmp_path: Path, path: str, item: str, *, is_before: bool
) -> None:
    """The drain ends all the same, no sandbox outlives it, and the next daemon answers what was cut short (B-105)."""
    world = World(7, tmp_path, sabotage=Sabotage(path, item, is_before))
    try:
        world.say("a", "m1")
        world.settle(lambda: bool(world.agents.alive))
        world.drain()
        assert world.sabotage.has_struck
        assert world.agents.alive == []
        world.restart()
        world.finish()
        assert world.answered("a") == {"m1": 1}
        world.assert_at_rest()
    finally:
        world.close()


def test_group_whose_orphan_cannot_be_ended_waits_and_leaves_the_others_alone(tmp_path: Path) -> None:
    """Its run keeps its row while a sandbox may be alive; nobody crashes, and the next try succeeds."""
    world = World(7, tmp_path)
    try:
        world.say("a", "m1")
        world.settle(lambda: bool(world.agents.alive))
        world.agents.orphan_refusal = "somebody else holds the lock"
        world.restart()
        world.say("b", "m2")
        world.pass_time(30)
        assert world.answered("a", "b") == {"m2": 1}
        assert [run.is_live for run in world.runs("a")] == [True]
        assert world.sim.crashes == []
        world.agents.orphan_refusal = None
        world.finish()
        assert world.answered("a", "b") == {"m1": 1, "m2": 1}
        world.assert_at_rest()
    finally:
        world.close()
