"""What a task that is due wants: the fire times that have come, and the next look."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from intercomd.domain.due_tasks import plan_due_task
from intercomd.domain.ids import ChatJid, Folder, TaskId
from intercomd.domain.scheduled import ScheduledTask
from intercomd.domain.schedules.misfires import FireVerdict, MisfirePolicy
from intercomd.errors import InvalidInput

NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)


def task(kind: str, value: str, next_run: datetime, **fields: object) -> ScheduledTask:
    """A task that was made the day before nine."""
    made = ScheduledTask(
        task_id=TaskId("t"),
        group_folder=Folder("cooks"),
        chat_jid=ChatJid("local:kitchen"),
        prompt="p",
        schedule_type=kind,
        schedule_value=value,
        context_mode="isolated",
        next_run=next_run,
        last_run=None,
        last_result=None,
        status="active",
        created_at=NINE - DAY,
    )
    return replace(made, **fields)  # type: ignore[arg-type]


def test_cron_task_fires_at_its_time_and_looks_again_at_the_next() -> None:
    """B-22, B-72: the next look is fixed with the claim, so a task that runs is not due."""
    plan = plan_due_task(task("cron", "0 9 * * *", NINE), NINE + SECOND)
    assert [(fire.fire_at, fire.verdict) for fire in plan.fires] == [(NINE, FireVerdict.ON_TIME)]
    assert plan.next_run == NINE + DAY


def test_next_run_beside_the_schedule_is_a_look_and_no_fire() -> None:
    """What a client wrote into `next_run` wakes us up; fire times stay on the schedule's grid."""
    beside = NINE - timedelta(minutes=20)
    plan = plan_due_task(task("cron", "0 9 * * *", beside), beside)
    assert (plan.fires, plan.next_run) == ((), NINE)


def test_interval_counts_from_its_anchor_and_without_one_from_the_making() -> None:
    """B-82: neither a late look nor a long run moves the grid."""
    hourly = task("interval", "3600000", NINE)
    late = NINE + timedelta(seconds=50)
    assert plan_due_task(hourly, late).next_run == NINE + timedelta(hours=1)
    anchored = replace(hourly, anchor_at=NINE - timedelta(minutes=45))
    assert plan_due_task(anchored, late).next_run == NINE + timedelta(minutes=15)


def test_once_fires_at_the_instant_it_names_and_has_no_next() -> None:
    """A look before its time only finds when to look again."""
    once = task("once", "2026-03-02T09:00Z", NINE)
    plan = plan_due_task(once, NINE)
    assert ([fire.fire_at for fire in plan.fires], plan.next_run) == ([NINE], None)
    early = plan_due_task(replace(once, next_run=NINE - DAY), NINE - DAY)
    assert (early.fires, early.next_run) == ((), NINE)


def test_once_that_a_client_moved_to_later_fires_then() -> None:
    """An instant in `next_run` behind the named one is not lost as "nothing left to do"."""
    later = NINE + timedelta(hours=3)
    plan = plan_due_task(task("once", "2026-03-02T09:00Z", later), later)
    assert [(fire.fire_at, fire.verdict) for fire in plan.fires] == [(later, FireVerdict.ON_TIME)]


def test_missed_once_is_skipped_where_its_policy_says_so() -> None:
    """It has a row that says so, and no next time."""
    plan = plan_due_task(task("once", "2026-03-02T09:00Z", NINE, misfire=MisfirePolicy.SKIP), NINE + DAY)
    assert ([fire.verdict for fire in plan.fires], plan.next_run) == ([FireVerdict.SKIPPED], None)


@pytest.mark.parametrize(
    ("kind", "value", "zone"),
    [("cron", "0 9 * *", "UTC"), ("interval", "0", "UTC"), ("hourly", "x", "UTC"), ("cron", "0 9 * * *", "Vienna")],
)
def test_task_that_cannot_be_read_is_an_error(kind: str, value: str, zone: str) -> None:
    """B-72, B-75, B-81: never a completion, never a fire at once, never UTC."""
    with pytest.raises(InvalidInput):
        plan_due_task(task(kind, value, NINE, zone=zone), NINE)
