"""Crashes and kills on the way of a scheduled task: one row a fire time, one run with effects, no slot lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from intercomd.domain.ids import TaskId
from tests.actors.conftest import MakeWorld
from tests.actors.world import Sabotage, World

WAY = [
    ("lease_keeper", "RenewLeases"),
    ("outbox", "OutboxFilled"),
    ("outbox", "RecordDelivered"),
    ("channels/local", "DeliverTexts"),
    ("orchestrator/scheduler", "Poll"),
    ("orchestrator/scheduler", "WakeUp"),
    ("orchestrator/scheduler", "TasksChanged"),
    ("orchestrator/dispatcher", "TaskReady"),
    ("orchestrator/dispatcher", "GroupIdle"),
    ("orchestrator/dispatcher", "ChildExited"),
    ("orchestrator/dispatcher", "Poll"),
    ("orchestrator/runs/queue:a", "GrantSlot"),
    ("orchestrator/runs/queue:a", "RunIdle"),
    ("orchestrator/runs/queue:a", "RunFinished"),
    ("orchestrator/runs/run:", "StartSandbox"),
    ("orchestrator/runs/run:", "FrameRead"),
    ("orchestrator/runs/run:", "SandboxEnded"),
]
OFTEN = ("interval", "15000")


def assert_each_fire_ran_once(world: World, task: TaskId, token: str) -> None:
    """As many replies as rows that ran, none of them under way, and nothing but overlaps skipped."""
    fires = world.fires(task)
    assert {fire.state.value for fire in fires} <= {"ran", "ran_late", "skipped"}, fires
    ran = [fire for fire in fires if fire.state.value != "skipped"]
    assert world.answered("a", "b")[token] == len(ran), "\n".join(world.sim.trace[-60:])
    assert len({fire.fire_at for fire in fires}) == len(fires)


def live_through_a_day_of_tasks(world: World) -> tuple[TaskId, TaskId]:
    """Tasks beside people, in the same and in another group, one of them while an agent is idle."""
    world.say("a", "m1")
    world.settle()
    often = world.add_task("a", "m2", *OFTEN)
    once = world.add_task("b", "m3", "once", "2026-01-01T09:00:20")
    world.pass_time(16)
    world.say("b", "m4")
    world.pass_time(5)
    world.say("a", "m5")
    world.pass_time(12)
    world.store.tasks.remove(often, "test", world.now)
    world.finish()
    return often, once


@pytest.mark.parametrize("is_before", [True, False], ids=["before", "after"])
@pytest.mark.parametrize(("path", "item"), WAY, ids=[f"{path}-{item}" for path, item in WAY])
def test_crash_of_any_actor_on_a_task_s_way_loses_and_doubles_nothing(
    tmp_path: Path, path: str, item: str, *, is_before: bool
) -> None:
    """Every fire has its one outcome, people have their answers, the root never gives up (B-23, B-107)."""
    sabotage = Sabotage(path, item, is_before)
    world = World(11, tmp_path, slots=2, sabotage=sabotage, idle_s=20)
    try:
        often, once = live_through_a_day_of_tasks(world)
        assert sabotage.has_struck, f"{path} never handled {item}"
        assert_each_fire_ran_once(world, often, "m2")
        assert_each_fire_ran_once(world, once, "m3")
        assert len(world.fires(once)) == 1
        assert {token: world.answered("a", "b")[token] for token in ("m1", "m4", "m5")} == {"m1": 1, "m4": 1, "m5": 1}
        assert world.sim.gave_up is None
        world.assert_at_rest()
    finally:
        world.close()


@pytest.mark.parametrize("steps", range(1, 60, 4))
def test_kill_at_any_step_of_a_task_s_way_runs_it_once(make_world: MakeWorld, steps: int) -> None:
    """`kill -9` between any two items: one row, one reply (B-71)."""
    world = make_world(seed=steps, idle_s=5)
    world.pass_time(1)
    task = world.add_task("a", "m1", "once", "2026-01-01T09:00", next_run=world.now)
    for _ in range(steps):
        world.step()
    world.restart()
    world.finish()
    assert world.fire_states(task) == ["ran"]
    assert world.replies("a") == ["re: m1"]
    world.assert_at_rest()


def test_task_is_not_run_again_when_the_daemon_is_killed_three_seconds_after_its_reply(make_world: MakeWorld) -> None:
    """Its agent had not ended yet; what it said stands in the store, and so does that it has run (B-71)."""
    world = make_world(idle_s=5)
    task = world.add_task("a", "m1 deaf", "once", "2026-01-01T09:00:05")
    world.pass_time(8)
    assert world.replies("a") == ["re: m1"]
    assert world.agents.alive
    world.restart()
    world.finish()
    assert world.replies("a") == ["re: m1"]
    assert world.fire_states(task) == ["ran"]
    assert len(world.agents.started) == 1
    world.assert_at_rest()
