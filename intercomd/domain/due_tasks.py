"""What a task that is due wants: the rows for its fire times that have come, and when to look at it again.

`next_run` is the truth about when to look. For cron and interval it is no more than that: the fire times are those of
the schedule from `next_run` on. A `once` fires at the instant it names, and not before it is looked at; so somebody who
moves its `next_run` to later moves its fire time.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from intercomd.domain.scheduled import ScheduledTask
from intercomd.domain.schedules.misfires import PlannedFire, plan_fires
from intercomd.domain.schedules.schedule import OnceSchedule, next_fire, parse_schedule

_MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class DuePlan:
    """`next_run` is None when no fire time is left."""

    fires: tuple[PlannedFire, ...]
    next_run: datetime | None


def plan_due_task(task: ScheduledTask, now: datetime) -> DuePlan:
    """The plan for a task whose `next_run` has come. Raises `InvalidInput` or `ScheduleBroken`: it cannot go on."""
    assert task.next_run is not None
    anchor = task.created_at if task.anchor_at is None else task.anchor_at
    schedule = parse_schedule(task.schedule_type, task.schedule_value, task.zone, anchor=anchor)
    if isinstance(schedule, OnceSchedule):
        schedule = replace(schedule, fire_at=max(schedule.fire_at, task.next_run))
    return DuePlan(plan_fires(schedule, task.next_run - _MILLISECOND, now, task.misfire), next_fire(schedule, now))
