"""Undoes what a clock did that was ahead for a while: a machine that begins in the year 2040 until somebody tells it.

While the clock was ahead, tasks were claimed, and their next fire times lie where it stood. Such claims show: they are
later than now. Each of their tasks goes on from now, behind what was handled; its ledger keeps what has run.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from intercomd.domain.events import EventCode
from intercomd.domain.instants import from_epoch_ms, iso_ms, to_epoch_ms
from intercomd.domain.leases import Fence
from intercomd.domain.schedules.schedule import OnceSchedule, ScheduleBroken, next_fire, parse_schedule
from intercomd.errors import InvalidInput
from intercomd.store.engine import Row, Transaction
from intercomd.store.fencing import check_fence
from intercomd.store.rows import task_of
from intercomd.store.task_fires import record_task_event

_SLACK = timedelta(minutes=1)
"""A clock is set back so far every day, and nothing needs to be done about it."""


def rewind(transaction: Transaction, fence: Fence, default_zone: str, now: datetime, limit: int) -> int:
    """The work of `Tasks.rewind`."""
    check_fence(transaction, fence)
    latest = to_epoch_ms(now + _SLACK)
    ahead = transaction.rows("list_tasks_claimed_after", latest=latest, limit=limit)
    for row in sorted(ahead, key=lambda row: str(row["task_id"])):
        task = transaction.row("lock_task", task_id=row["task_id"])
        first = transaction.row("find_first_fire_claimed_after", task_id=row["task_id"], latest=latest)
        if task is not None and first is not None:
            _rewind(transaction, task, max(now, from_epoch_ms(first["fire_at"])), default_zone, now)
        transaction.run("date_fires_back", task_id=row["task_id"], latest=latest, now=to_epoch_ms(now))
    return len(ahead)


def _rewind(transaction: Transaction, row: Row, handled: datetime, default_zone: str, now: datetime) -> None:
    """`handled` is the first fire time that the wrong clock has dealt with, or now."""
    task = task_of(row, default_zone)
    if task.next_run is None:
        return
    try:
        schedule = parse_schedule(
            task.schedule_type, task.schedule_value, task.zone, anchor=task.anchor_at or task.created_at
        )
        next_run = None if isinstance(schedule, OnceSchedule) else next_fire(schedule, handled)
    except (InvalidInput, ScheduleBroken):
        return  # its next claim pauses it, and says why
    if next_run is not None and next_run < task.next_run:
        transaction.run("move_task_on", task_id=row["id"], next_run=to_epoch_ms(next_run))
        detail = f"the clock was set back: next fire time {iso_ms(next_run)}"
        record_task_event(transaction, EventCode.TASK_CHANGED, row, now, detail=detail)
