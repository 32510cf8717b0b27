"""What people change about scheduled tasks; every change leaves an event that says who asked for it."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

from intercomd.domain.events import EventCode
from intercomd.domain.ids import Folder, TaskId
from intercomd.domain.instants import to_epoch_ms
from intercomd.domain.scheduled import ScheduledTask, TaskChange, TaskStatus
from intercomd.domain.schedules.misfires import SkipReason
from intercomd.domain.text import clean
from intercomd.store.engine import Row, SqlValue, Transaction
from intercomd.store.rows import task_of
from intercomd.store.task_fires import record_task_event, skip_fire

_SCHEDULE = {"schedule_type", "schedule_value", "zone"}
_FOLLOWING = {"status", "anchor_at"}
"""What the event's code says, or another field."""
_SKIPS: dict[str, SkipReason] = {
    TaskStatus.PAUSED: SkipReason.TASK_PAUSED,
    TaskStatus.COMPLETED: SkipReason.TASK_COMPLETED,
}
_EVENT_OF_STATUS: dict[str, EventCode] = {
    TaskStatus.ACTIVE: EventCode.TASK_RESUMED,
    TaskStatus.PAUSED: EventCode.TASK_PAUSED,
    TaskStatus.COMPLETED: EventCode.TASK_COMPLETED,
}


def add_task(transaction: Transaction, task: ScheduledTask, who: str, now: datetime) -> Row:
    """Add a task under the next number of its folder."""
    drawn = transaction.row("draw_task_numbers", folder=task.group_folder, count=1)
    assert drawn is not None
    transaction.run(
        "add_task",
        task_id=task.task_id,
        group_folder=task.group_folder,
        chat_jid=task.chat_jid,
        prompt=clean(task.prompt),
        schedule_type=clean(task.schedule_type),
        schedule_value=clean(task.schedule_value),
        context_mode=clean(task.context_mode),
        next_run=None if task.next_run is None else to_epoch_ms(task.next_run),
        status=clean(task.status),
        created_at=to_epoch_ms(task.created_at),
        zone=task.zone,
        misfire=task.misfire.value,
        overlap=task.overlap.value,
        anchor_at=to_epoch_ms(task.created_at if task.anchor_at is None else task.anchor_at),
        number=drawn["last_number"],
    )
    row = transaction.row("find_task", task_id=task.task_id)
    assert row is not None
    record_task_event(transaction, EventCode.TASK_CREATED, row, now, detail=f"by {who}")
    return row


def change_task(
    transaction: Transaction, row: Row, change: TaskChange, default_zone: str, who: str, now: datetime
) -> Row:
    """Change a locked task; what it says already is no change. Another schedule counts from now unless an anchor comes
    with it, and a queued fire of the old one is skipped."""
    before = task_of(row, default_zone)
    wanted = {name: clean(value) if isinstance(value, str) else value for name, value in asdict(change).items()}
    changed = {name: value for name, value in wanted.items() if value not in (None, getattr(before, name))}
    if not changed:
        return row
    is_rescheduled = not _SCHEDULE.isdisjoint(changed)
    if is_rescheduled and change.anchor_at is None:
        changed["anchor_at"] = now
    unchanged: dict[str, SqlValue] = dict.fromkeys(wanted)
    stored = {name: to_epoch_ms(value) if isinstance(value, datetime) else value for name, value in changed.items()}
    transaction.run("change_task", task_id=row["id"], **(unchanged | stored))
    code = _EVENT_OF_STATUS.get(changed.get("status", ""), EventCode.TASK_CHANGED)
    said = [name.replace("_", " ") for name in changed if name not in _FOLLOWING]
    record_task_event(transaction, code, row, now, detail=f"by {who}" + (f": {', '.join(said)}" if said else ""))
    if reason := _SKIPS.get(changed.get("status", "")):
        skip_queued(transaction, row["id"], reason, now, is_manual_too=True)
    elif is_rescheduled:
        skip_queued(transaction, row["id"], SkipReason.TASK_CHANGED, now, is_manual_too=False)
    after = transaction.row("find_task", task_id=row["id"])
    assert after is not None
    return after


def remove_task(transaction: Transaction, row: Row, who: str, now: datetime) -> None:
    """Remove a locked task and its log. The ledger stays, and a live run settles its fire there."""
    skip_queued(transaction, row["id"], SkipReason.TASK_REMOVED, now, is_manual_too=True)
    transaction.run("remove_task_logs", task_id=row["id"])
    transaction.run("remove_task", task_id=row["id"])
    record_task_event(transaction, EventCode.TASK_REMOVED, row, now, detail=f"by {who}")


def skip_queued(
    transaction: Transaction, task_id: TaskId, reason: SkipReason, now: datetime, *, is_manual_too: bool
) -> None:
    """Settle the queued fires of a locked task as skipped; those that somebody asked for only if so told."""
    for fire in transaction.rows("list_unsettled_fires", task_id=task_id):
        if fire["state"] == "queued" and (is_manual_too or fire["manual_key"] is None):
            skip_fire(transaction, fire, reason, now)


def pause_tasks_of_removed_group(transaction: Transaction, folder: Folder, now: datetime) -> None:
    """The group's row is locked and about to go: its tasks stay, and fire no more until somebody resumes them."""
    for task in transaction.rows("lock_tasks_of_group", folder=folder):
        if task["status"] == TaskStatus.ACTIVE:
            transaction.run("pause_task", task_id=task["id"])
            record_task_event(transaction, EventCode.TASK_PAUSED, task, now, detail=SkipReason.GROUP_REMOVED)
    for fire in transaction.rows("list_queued_fires_of_group", folder=folder):
        skip_fire(transaction, fire, SkipReason.GROUP_REMOVED, now)


def move_tasks(transaction: Transaction, folder: Folder, new_folder: Folder, now: datetime) -> None:
    """The group keeps its chat and gets another folder: its tasks and their queued fires go along. The numbers are
    drawn anew, as a block, so that a folder which was never used keeps them as they were."""
    tasks = transaction.rows("lock_tasks_of_group", folder=folder)
    if not tasks:
        return
    drawn_before = transaction.row("find_last_task_number", folder=folder)
    assert drawn_before is not None
    count = drawn_before["last_number"]
    drawn = transaction.row("draw_task_numbers", folder=new_folder, count=count)
    assert drawn is not None
    transaction.run("move_tasks", folder=folder, new_folder=new_folder, offset=drawn["last_number"] - count)
    transaction.run("move_queued_fires", folder=folder, new_folder=new_folder)
    for task in tasks:
        record_task_event(transaction, EventCode.TASK_MOVED, task, now, detail=f"to the folder {new_folder}")
