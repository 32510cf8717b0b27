"""When the Scheduler looks, what it makes of clocks that jump, and how much it takes on at once."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from intercomd.actors.scheduler import CLAIM_LIMIT, READY_LIMIT
from intercomd.domain.leases import Fence
from intercomd.domain.mailbox import TasksChanged
from intercomd.domain.scheduled import Claimed, FireState
from intercomd.errors import StoreUnavailable
from intercomd.store.task_ports import Tasks
from tests.actors.conftest import MakeWorld
from tests.actors.world import World
from tests.support.waiting import logged_events

EVERY_MINUTE = ("cron", "* * * * *")
HOURLY = ("cron", "1 * * * *")
ONCE_IN_A_MINUTE = ("once", "2026-01-01T09:01")


def handled(world: World, item: str) -> int:
    """How often the Scheduler took such an item."""
    return sum(f"orchestrator/scheduler: {item}" in line for line in world.sim.trace)


def test_scheduler_sleeps_until_the_next_fire_time(make_world: MakeWorld) -> None:
    """One wake-up a fire; in between there are polls only."""
    world = make_world()
    world.add_task("a", "m1", *EVERY_MINUTE)
    world.pass_time(190)
    assert handled(world, "WakeUp") == 3


def test_scheduler_without_tasks_only_polls(make_world: MakeWorld) -> None:
    """Idle costs one look every ten seconds."""
    world = make_world()
    world.pass_time(100)
    assert handled(world, "WakeUp") == 0
    assert handled(world, "Poll") == 11


def test_burst_of_changes_is_looked_at_together(make_world: MakeWorld) -> None:
    """A thousand changes cost one look more."""
    world = make_world()
    world.settle()
    for _ in range(1000):
        world.book.address("orchestrator/scheduler").hint(TasksChanged())
    world.pass_time(1)
    assert handled(world, "WakeUp") == 1


def test_new_task_is_not_late_when_the_scheduler_sleeps_for_longer(make_world: MakeWorld) -> None:
    """A change is a reason to look again at once."""
    world = make_world()
    world.add_task("a", "m1", "once", "2026-01-01T12:00")
    world.settle()
    task = world.add_task("b", "m2", *ONCE_IN_A_MINUTE)
    world.pass_time(61)
    assert world.fires(task)[0].claimed_at == world.fires(task)[0].fire_at


def test_task_fires_although_nobody_heard_of_its_making(make_world: MakeWorld) -> None:
    """The store is the truth: the hint was lost with the Scheduler that was to take it."""
    world = make_world()
    world.settle()
    world.sim.crash("orchestrator/scheduler")
    task = world.add_task("a", "m1", "interval", "1000")
    world.pass_time(12)
    assert world.fires(task)


def test_latest_missed_fire_runs_late_once_after_an_absence(make_world: MakeWorld) -> None:
    """Not one run for each time that passed, and not all of them forgotten (B-82)."""
    world = make_world()
    task = world.add_task("a", "m1", *HOURLY)
    world.sleep_machine(timedelta(hours=5, minutes=10))
    world.pass_time(12)
    skipped, late = world.fires(task)
    assert (skipped.state, skipped.reason) == (FireState.SKIPPED, "superseded")
    assert (f"{skipped.fire_at:%H:%M}", f"{skipped.through:%H:%M}") == ("09:01", "13:01")
    assert (late.state, f"{late.fire_at:%H:%M}") == (FireState.RAN_LATE, "14:01")
    assert world.replies("a") == ["re: m1"]


def test_missed_fires_are_skipped_after_an_absence_when_the_task_wants_that(make_world: MakeWorld) -> None:
    """With the reason in the ledger; the next one runs on time (B-82)."""
    world = make_world()
    task = world.add_task("a", "m1", *HOURLY, misfire="skip")
    world.sim.stop()
    world.sleep_machine(timedelta(hours=5))
    world.restart()
    world.pass_time(12)
    (skipped,) = world.fires(task)
    assert (skipped.state, skipped.reason) == (FireState.SKIPPED, "missed")
    world.pass_time(60)
    assert world.fire_states(task) == ["skipped", "ran"]


def test_clock_that_is_set_back_repeats_nothing(make_world: MakeWorld) -> None:
    """What has run has run; the schedule goes on when the clock comes there again (B-06)."""
    world = make_world()
    task = world.add_task("a", "m1", *EVERY_MINUTE)
    world.pass_time(70)
    with logged_events() as events:
        world.sim.clock.set_wall(world.now - timedelta(seconds=90))
        world.pass_time(100)
    assert world.fire_states(task) == ["ran"]
    assert world.replies("a") == ["re: m1"]
    assert events.wait_for_event("scheduler.clock_jumped").fields["by_s"] == pytest.approx(-90, abs=1)
    world.pass_time(50)
    assert world.fire_states(task) == ["ran", "ran"]


def test_clock_that_is_set_ahead_is_noticed_by_the_next_poll(make_world: MakeWorld) -> None:
    """So is a machine that slept: the wake-up that was planned counts no more."""
    world = make_world()
    task = world.add_task("a", "m1", *HOURLY)
    world.pass_time(5)
    with logged_events() as events:
        world.sim.clock.set_wall(datetime(2026, 1, 1, 9, 1, 1, tzinfo=world.now.tzinfo))
        world.pass_time(10)
    assert world.fire_states(task) == ["ran"]
    assert events.wait_for_event("scheduler.clock_jumped").fields["by_s"] == pytest.approx(56, abs=1)


def test_task_goes_on_after_a_clock_that_was_years_ahead_is_set_right(make_world: MakeWorld) -> None:
    """B-82: one run too many, and not years of silence."""
    world = make_world()
    task = world.add_task("a", "m1", *EVERY_MINUTE)
    world.pass_time(5)
    right = world.now
    world.sim.clock.set_wall(right + timedelta(days=5_000))
    world.pass_time(20)
    assert world.fire_states(task) == ["skipped", "ran"]
    with logged_events() as events:
        world.sim.clock.set_wall(right + timedelta(seconds=20))
        world.pass_time(20)
    assert events.wait_for_event("scheduler.rewound").fields["tasks"] == 1
    world.pass_time(180)
    assert world.replies("a") == ["re: m1"] * 3


def test_clock_that_runs_as_it_should_is_not_remarked_on(make_world: MakeWorld) -> None:
    """Waiting is no jump."""
    world = make_world()
    with logged_events() as events:
        world.pass_time(600, tick=60)
    assert not [logged for logged in events.values if logged.event == "scheduler.clock_jumped"]


def test_nothing_is_claimed_while_another_daemon_has_the_lease(make_world: MakeWorld) -> None:
    """The fire waits for whoever may claim it, and runs once."""
    world = make_world()
    task = world.add_task("a", "m1", *ONCE_IN_A_MINUTE)
    world.pass_time(59)
    world.lose_dispatch()
    world.pass_time(3)
    assert world.fires(task) == []
    world.regain_dispatch()
    world.pass_time(15)
    assert world.fire_states(task) == ["ran"]
    assert world.replies("a") == ["re: m1"]


def test_fire_is_claimed_when_the_store_is_back(make_world: MakeWorld) -> None:
    """An outage at the fire time is waited for, and is no crash."""
    world = make_world()
    task = world.add_task("a", "m1", *ONCE_IN_A_MINUTE)
    outage = _Outage(world.store.tasks)
    world.store.tasks = outage  # type: ignore[assignment]  # a broken connection, not a fake of the table
    world.restart()
    world.pass_time(63)
    outage.is_over = True
    world.pass_time(20)
    assert outage.failures > 0
    assert world.fire_states(task) == ["ran"]
    assert world.sim.crashes == []


class _Outage:
    """The store's tasks behind a connection that breaks at each claim until it is over."""

    def __init__(self, tasks: Tasks) -> None:
        self._tasks = tasks
        self.is_over = False
        self.failures = 0

    def __getattr__(self, name: str) -> object:
        return getattr(self._tasks, name)

    def claim_due(self, fence: Fence, now: datetime, limit: int) -> Claimed:
        if not self.is_over:
            self.failures += 1
            raise StoreUnavailable("the connection broke")
        return self._tasks.claim_due(fence, now, limit)


def test_many_due_tasks_are_claimed_in_batches_and_fed_as_the_line_takes_them(make_world: MakeWorld) -> None:
    """All are in the ledger within a second, on time; the Dispatcher's line stays short, and is filled up when it runs
    empty."""
    world = make_world(slots=3, idle_s=5)
    for folder in ("slow-1", "slow-2"):
        world.add_task(folder, "m0 hang", "once", "2026-01-01T09:00:30")
    tasks = [world.add_task(f"g{number}", f"m{number}", *ONCE_IN_A_MINUTE) for number in range(3 * CLAIM_LIMIT)]
    world.pass_time(61)
    assert all(fire.claimed_at - fire.fire_at < timedelta(seconds=1) for task in tasks for fire in world.fires(task))
    assert max(view.waiting_tasks for view in world.slot_views) == READY_LIMIT
    for sandbox in world.agents.alive:
        sandbox.come_round()
    world.pass_time(1)
    assert {state for task in tasks for state in world.fire_states(task)} == {"ran"}
    world.assert_at_rest()


def test_group_that_waits_is_told_once_however_often_the_scheduler_looks(make_world: MakeWorld) -> None:
    """With each run that ends it looks again; what stands in the line already costs the Dispatcher nothing."""
    world = make_world(slots=2)
    world.add_task("slow", "m0 hang", "once", "2026-01-01T09:00:30")
    for number in range(20):
        world.add_task(f"g{number}", f"m{number}", "once", "2026-01-01T09:00:31")
    world.pass_time(32)
    for _ in range(10):
        world.book.address("orchestrator/scheduler").hint(TasksChanged())
        world.pass_time(0.1, tick=0.1)
    assert handled(world, "TasksChanged") >= 10
    assert sum("dispatcher: TaskReady" in line for line in world.sim.trace) == 21


def test_tasks_of_one_group_that_are_due_together_run_one_after_the_other(make_world: MakeWorld) -> None:
    """Nothing waits for a poll: the end of each run is a reason to look."""
    world = make_world()
    tasks = [world.add_task("a", f"m{number}", *ONCE_IN_A_MINUTE) for number in range(5)]
    world.pass_time(60)
    world.pass_time(0.5, tick=0.02)
    assert [world.fire_states(task) for task in tasks] == [["ran"]] * 5
    assert world.runs()[0].opened_at - world.fires(tasks[0])[0].fire_at < timedelta(milliseconds=500)


@pytest.mark.parametrize("second", range(-5, 6))
def test_restart_at_any_second_around_a_fire_time_runs_it_once(make_world: MakeWorld, second: int) -> None:
    """One row, one run with effects (B-71)."""
    world = make_world(seed=second + 5, idle_s=5)
    task = world.add_task("a", "m1", "once", "2026-01-01T09:00:10")
    world.pass_time(10 + second)
    world.restart()
    world.finish()
    assert world.fire_states(task) == ["ran"]
    assert [run.has_effects for run in world.runs()].count(True) == 1
    assert world.replies("a") == ["re: m1"]
