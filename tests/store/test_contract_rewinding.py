"""A clock that was ahead and is set right: tasks go on, and nothing is repeated."""

from __future__ import annotations

from datetime import timedelta

import pytest

from intercomd.domain.events import EventCode
from intercomd.domain.ids import TaskId
from intercomd.domain.scheduled import ScheduledTask, TaskChange
from intercomd.errors import FenceLost
from tests.store.chores import BREAD, HOUR, MINUTE, Chores, hourly, once
from tests.store.household import NOON, OTHER

YEARS = timedelta(days=5_000)
EVERY_HOUR = hourly(next_run=NOON + HOUR)
HOUR_BY_HOUR = hourly(next_run=NOON + HOUR, schedule_type="interval", schedule_value="3600000")


def rewind(chores: Chores, limit: int = 100) -> int:
    return chores.store.tasks.rewind(chores.dispatch, chores.now, limit)


def be_ahead(chores: Chores, by: timedelta = YEARS) -> None:
    """What is due is claimed by a clock that is ahead, which then is set right."""
    chores.wait(by)
    chores.claim_due()
    chores.wait(-by)


@pytest.mark.parametrize("task", [EVERY_HOUR, HOUR_BY_HOUR], ids=["cron", "interval"])
def test_task_goes_on_when_a_clock_that_was_years_ahead_is_set_right(chores: Chores, task: ScheduledTask) -> None:
    """B-82: it does not rest until the clock comes to those years by itself."""
    chores.add(task)
    be_ahead(chores)
    assert chores.task().next_run == NOON + YEARS + HOUR
    assert (rewind(chores), rewind(chores)) == (1, 0)
    assert chores.task().next_run == NOON + 2 * HOUR
    assert chores.codes()[-1] == EventCode.TASK_CHANGED


def test_fire_time_that_was_handled_ahead_of_time_is_not_repeated(chores: Chores) -> None:
    """The run that came too early stands for its fire time."""
    chores.add(EVERY_HOUR)
    be_ahead(chores, HOUR + 5 * MINUTE)
    assert chores.fires() == [(NOON + HOUR, "queued", None)]
    rewind(chores)
    chores.wait(HOUR)
    chores.claim_due()
    assert chores.fires() == [(NOON + HOUR, "queued", None)]
    assert chores.task().next_run == NOON + 2 * HOUR


def test_clock_that_is_set_back_a_little_changes_nothing(chores: Chores) -> None:
    """Clocks are put right by some seconds all the time."""
    chores.add(hourly())
    chores.claim_due()
    chores.wait(-MINUTE)
    assert rewind(chores) == 0
    assert chores.task().next_run == NOON + HOUR


def test_queued_fire_of_a_clock_that_was_ahead_waits_since_now(chores: Chores) -> None:
    """It neither stands behind everybody for years nor is kept for years after its end."""
    chores.add(EVERY_HOUR)
    be_ahead(chores)
    rewind(chores)
    assert {fire.claimed_at for fire in chores.store.tasks.list_fires(BREAD, 9)} == {chores.now}
    assert {fire.settled_at for fire in chores.store.tasks.list_fires(BREAD, 9)} == {chores.now, None}


def test_once_paused_and_removed_tasks_are_left_as_they_are(chores: Chores) -> None:
    """A `once` has fired; what rests finds its next time when it is resumed; of what is gone only fires are left."""
    chores.add(once())
    chores.add(hourly(TaskId("rests"), next_run=NOON + HOUR))
    chores.add(hourly(TaskId("gone"), next_run=NOON + HOUR))
    be_ahead(chores)
    chores.store.tasks.change(TaskId("rests"), TaskChange(status="paused"), "Uma", chores.now)
    chores.store.tasks.remove(TaskId("gone"), "Uma", chores.now)
    assert sum(rewind(chores, 1) for _ in range(3)) == 3
    assert rewind(chores) == 0
    assert chores.task().next_run is None


def test_run_that_was_asked_for_moves_no_fire_time(chores: Chores) -> None:
    """Nor does it when the clock was ahead."""
    chores.add(EVERY_HOUR)
    chores.wait(YEARS)
    chores.store.tasks.run_now(BREAD, "key", "Uma", chores.now)
    chores.wait(-YEARS)
    assert rewind(chores) == 1
    assert chores.task().next_run == NOON + HOUR


def test_another_owner_of_the_tasks_is_not_rewound_for(chores: Chores) -> None:
    """Like every claim, it is for the holder of the lease."""
    leases, duty = chores.store.leases, chores.dispatch.duty
    leases.take(duty, leases.find(duty), OTHER)
    with pytest.raises(FenceLost):
        rewind(chores)
