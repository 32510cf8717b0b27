"""What may be stored as a task, and what a change does to its fire times."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from intercomd.domain.ids import ChatJid, Folder, TaskId
from intercomd.domain.scheduled import ScheduledTask, TaskChange, TaskStatus
from intercomd.domain.schedules.misfires import MisfirePolicy
from intercomd.domain.task_rules import (
    MAX_PROMPT,
    TaskDraft,
    TaskEdit,
    changed,
    is_repeat,
    plan_edit,
    plan_pause,
    plan_resume,
    plan_task,
)
from intercomd.errors import InvalidInput, StoreConflict

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
VIENNA = "Europe/Vienna"
HOUR = "3600000"


def plan(now: datetime = NOW, **fields: Any) -> ScheduledTask:
    """A daily task at nine in Vienna, but for `fields`."""
    draft = TaskDraft(
        **{
            "folder": Folder("cooks"),
            "prompt": "wake us",
            "schedule_type": "cron",
            "schedule_value": "0 9 * * *",
            **fields,
        }
    )
    return plan_task(draft, TaskId("t"), ChatJid("tg:-1"), VIENNA, now)


def edit(task: ScheduledTask, now: datetime = NOW, **fields: Any) -> ScheduledTask:
    return changed(task, plan_edit(task, TaskEdit(**fields), now))


def test_new_task_fires_next_by_its_schedule_in_its_zone() -> None:
    """Nine in Vienna is eight in UTC in winter; an interval counts from now."""
    assert plan().next_run == datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
    assert plan(zone="Asia/Kolkata").next_run == datetime(2026, 11, 23, 3, 30, tzinfo=UTC)
    every_hour = plan(schedule_type="interval", schedule_value=HOUR)
    assert (every_hour.anchor_at, every_hour.next_run) == (NOW, NOW + timedelta(hours=1))
    once = plan(schedule_type="once", schedule_value="2026-12-24T18:00")
    assert once.next_run == datetime(2026, 12, 24, 17, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("fields", "field", "said"),
    [
        ({"prompt": " \n"}, "prompt", "empty"),
        ({"prompt": "x" * (MAX_PROMPT + 1)}, "prompt", "at most 16384"),
        ({"schedule_type": "daily"}, "schedule_type", "cron, interval, once"),
        ({"schedule_value": "0 9 * *"}, "schedule_value", "5 fields"),
        ({"schedule_value": "0 0 9 * * 1"}, "schedule_value", "5 fields"),
        ({"schedule_value": "0 9 31 2 *"}, "schedule_value", "never fires"),
        ({"schedule_type": "interval", "schedule_value": "0"}, "schedule_value", "1 second"),
        ({"schedule_type": "interval", "schedule_value": str(2**63 - 1)}, "schedule_value", "366 days"),
        ({"schedule_type": "once", "schedule_value": "tomorrow"}, "schedule_value", "2026-12-24T18:00"),
        (
            {"schedule_type": "once", "schedule_value": "2026-11-22T12:30"},
            "schedule_value",
            "it is 2026-11-22 13:00 in Europe/Vienna",
        ),
        ({"zone": "Europe/Viena"}, "timezone", "did you mean Europe/Vienna?"),
        ({"zone": ""}, "timezone", "no IANA time zone"),
        ({"context_mode": "shared"}, "context_mode", "group, isolated"),
        ({"misfire": "twice"}, "misfire", "run_once, skip"),
        ({"overlap": "both"}, "overlap", "skip, queue_one"),
        ({"status": "asleep"}, "status", "active, paused, completed"),
    ],
)
def test_what_makes_no_task_is_refused_when_it_is_saved(fields: dict[str, Any], field: str, said: str) -> None:
    """B-72, B-73, B-75: the field is named and what is allowed is said, for a new task and for a changed one."""
    with pytest.raises(InvalidInput, match=said) as refused:
        plan(**fields)
    assert refused.value.field == field
    with pytest.raises(InvalidInput) as refused:
        edit(plan(), **fields)
    assert refused.value.field == field


def test_given_first_fire_is_kept() -> None:
    """Rows from elsewhere keep theirs, also a past one; an interval counts from one interval before it."""
    past = NOW - timedelta(days=3)
    assert plan(next_run=past).next_run == past
    task = plan(schedule_type="interval", schedule_value=HOUR, next_run=past)
    assert (task.next_run, task.anchor_at) == (past, past - timedelta(hours=1))
    assert plan(schedule_type="once", schedule_value="2026-01-01T10:00", next_run=past).next_run == past


def test_paused_row_from_elsewhere_has_the_fire_time_it_was_given_or_none() -> None:
    """Nothing is due, and a `once` that is past is no mistake there; resuming it tells."""
    task = plan(schedule_type="once", schedule_value="2026-01-01T10:00", status="paused")
    assert (task.status, task.next_run) == (TaskStatus.PAUSED, None)


def test_another_schedule_or_zone_begins_anew() -> None:
    """The next fire is the first one from now on, and an interval counts from now."""
    later = NOW + timedelta(days=1, minutes=20)
    moved = edit(plan(), later, schedule_type="interval", schedule_value=HOUR)
    assert (moved.anchor_at, moved.next_run) == (later, later + timedelta(hours=1))
    assert edit(plan(), later, zone="UTC").next_run == datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


def test_what_is_there_already_changes_nothing() -> None:
    """Saying the same again moves no fire time."""
    task = plan(schedule_type="interval", schedule_value=HOUR)
    same = TaskEdit(
        prompt="wake us",
        schedule_type="interval",
        schedule_value=HOUR,
        zone=VIENNA,
        misfire="run_once",
        status="active",
    )
    assert plan_edit(task, same, NOW + timedelta(minutes=20)) == TaskChange()
    assert plan_edit(task, TaskEdit(), NOW) == TaskChange()


def test_prompt_and_policies_leave_the_fire_times() -> None:
    """Only the schedule moves them."""
    change = plan_edit(plan(), TaskEdit(prompt="up!", misfire="skip", context_mode="group"), NOW + timedelta(days=9))
    assert change == TaskChange(prompt="up!", misfire=MisfirePolicy.SKIP, context_mode="group")


def test_given_next_run_moves_an_intervals_anchor() -> None:
    """The fires after it follow it."""
    task = edit(plan(schedule_type="interval", schedule_value=HOUR), next_run=NOW + timedelta(minutes=7))
    assert task.anchor_at == NOW - timedelta(minutes=53)


@pytest.mark.parametrize(
    ("schedule", "next_run"),
    [
        (("cron", "0 9 * * *"), datetime(2027, 6, 1, 7, 0, tzinfo=UTC)),
        (("interval", HOUR), datetime(2027, 5, 31, 12, 30, tzinfo=UTC)),
        (("once", "2027-12-24T18:00"), datetime(2027, 12, 24, 17, 0, tzinfo=UTC)),
    ],
)
def test_resumed_task_does_not_fire_for_what_passed(schedule: tuple[str, str], next_run: datetime) -> None:
    """B-82: paused in November and resumed in May, its next fire is the next one; an interval keeps its beat."""
    began = NOW - timedelta(minutes=30)
    paused = replace(plan(began, schedule_type=schedule[0], schedule_value=schedule[1]), status=TaskStatus.PAUSED)
    resumed = changed(paused, plan_resume(paused, datetime(2027, 5, 31, 12, 10, tzinfo=UTC)))
    assert (resumed.status, resumed.next_run) == (TaskStatus.ACTIVE, next_run)
    assert edit(paused, datetime(2027, 5, 31, 12, 10, tzinfo=UTC), status="active") == resumed


def test_resuming_a_once_that_is_past_is_refused_with_a_hint() -> None:
    """A completed one, and one that was paused over its time; with a new time it is active again."""
    once = plan(schedule_type="once", schedule_value="2026-12-24T18:00")
    later = NOW + timedelta(days=60)
    for status in (TaskStatus.COMPLETED, TaskStatus.PAUSED):
        with pytest.raises(StoreConflict, match="change its schedule"):
            plan_resume(replace(once, status=status), later)
    again = edit(replace(once, status=TaskStatus.COMPLETED), later, schedule_value="2027-12-24T18:00")
    assert (again.status, again.next_run) == (TaskStatus.ACTIVE, datetime(2027, 12, 24, 17, 0, tzinfo=UTC))


def test_paused_task_with_another_schedule_stays_paused() -> None:
    """It was put to rest on purpose."""
    paused = replace(plan(), status=TaskStatus.PAUSED)
    assert edit(paused, schedule_value="0 10 * * *").status == TaskStatus.PAUSED


def test_pausing_twice_changes_nothing_and_a_completed_task_cannot_be_paused() -> None:
    """There is nothing to pause."""
    assert plan_pause(plan()) == TaskChange(status=TaskStatus.PAUSED)
    assert plan_pause(replace(plan(), status=TaskStatus.PAUSED)) == TaskChange()
    with pytest.raises(StoreConflict, match="completed"):
        plan_pause(replace(plan(), status=TaskStatus.COMPLETED))


def test_status_of_an_edit_follows_the_same_rules() -> None:
    """Pausing, completing and resuming by status are no back door."""
    assert edit(plan(), status="paused").status == TaskStatus.PAUSED
    assert edit(plan(), status="completed").status == TaskStatus.COMPLETED
    completed = replace(plan(), status=TaskStatus.COMPLETED)
    with pytest.raises(StoreConflict):
        edit(completed, status="paused")
    given = edit(completed, status="active", next_run=NOW)
    assert (given.status, given.next_run) == (TaskStatus.ACTIVE, NOW)


def test_repeat_is_known_by_what_the_client_sent() -> None:
    """Whatever became of the task since; other words under the same id are another task."""
    draft = TaskDraft(folder=Folder("cooks"), prompt="a\0b", schedule_type="cron", schedule_value="@daily")
    known = plan_task(draft, TaskId("t"), ChatJid("tg:-1"), VIENNA, NOW)
    stored = replace(known, prompt="a\ufffdb", status=TaskStatus.PAUSED, number=4, failures=2)
    assert is_repeat(draft, stored, VIENNA)
    assert not is_repeat(replace(draft, prompt="other"), stored, VIENNA)
    assert not is_repeat(replace(draft, zone="UTC"), stored, VIENNA)
