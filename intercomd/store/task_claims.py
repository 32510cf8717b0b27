"""Claiming what is due: every fire time that has come gets its row before anything runs (hazards B-22, B-71).

The tasks are locked in the order of their ids, so that two who lock several never wait for each other in a circle; what
decides about their fires is read behind the lock.
"""

from __future__ import annotations

from datetime import datetime

from intercomd.domain.due_tasks import plan_due_task
from intercomd.domain.events import EventCode
from intercomd.domain.ids import OutboxId
from intercomd.domain.instants import from_epoch_ms, to_epoch_ms
from intercomd.domain.leases import Fence
from intercomd.domain.outbox import NewText, TextKind
from intercomd.domain.scheduled import Claimed
from intercomd.domain.schedules.misfires import (
    FireVerdict,
    Overlap,
    OverlapPolicy,
    PlannedFire,
    decide_overlap,
)
from intercomd.domain.schedules.schedule import ScheduleBroken
from intercomd.domain.task_endings import pause_notice
from intercomd.errors import InvalidInput
from intercomd.store.engine import Row, Transaction
from intercomd.store.fencing import check_fence
from intercomd.store.rows import task_of
from intercomd.store.task_fires import (
    NewFire,
    complete_if_done,
    enter_fire,
    record_task_event,
    send_notice,
)


def claim_due(transaction: Transaction, fence: Fence, default_zone: str, now: datetime, limit: int) -> Claimed:
    """The work of `Tasks.claim_due`."""
    check_fence(transaction, fence)
    locked = transaction.rows("lock_due_tasks", now=to_epoch_ms(now), limit=limit)
    for due in sorted(locked, key=lambda row: (row["next_run"], row["id"])):
        row = transaction.row("find_due_task", task_id=due["id"])
        assert row is not None
        _claim(transaction, fence, row, default_zone, now)
    return Claimed(len(locked), is_cut=transaction.row("find_more_due", now=to_epoch_ms(now)) is not None)


def _claim(transaction: Transaction, fence: Fence, row: Row, default_zone: str, now: datetime) -> None:
    if row["group_jid"] != row["chat_jid"]:
        owner = "no group" if row["group_jid"] is None else "another chat"
        _pause(transaction, row, f"its folder {row['group_folder']} belongs to {owner} now", now)
        return
    try:
        plan = plan_due_task(task_of(row, default_zone), now)
    except (InvalidInput, ScheduleBroken) as error:
        _pause(transaction, row, str(error), now)
        return
    for fire in plan.fires:
        _enter(transaction, fence, row, fire, now)
    next_run = None if plan.next_run is None else to_epoch_ms(plan.next_run)
    transaction.run("move_task_on", task_id=row["id"], next_run=next_run)
    if next_run is None:
        complete_if_done(transaction, row, now)


def _enter(transaction: Transaction, fence: Fence, row: Row, fire: PlannedFire, now: datetime) -> None:
    reason, code = fire.reason, EventCode.TASK_SKIPPED
    if fire.verdict is not FireVerdict.SKIPPED:
        decision = decide_overlap(
            OverlapPolicy(row["overlap"]), is_running=row["running"] > 0, has_queued=row["queued"] > 0
        )
        reason = decision.reason
        code = {
            Overlap.START: EventCode.TASK_CLAIMED,
            Overlap.QUEUE: EventCode.TASK_QUEUED,
            Overlap.SKIP: EventCode.TASK_SKIPPED,
        }[decision.overlap]
    entry = NewFire(
        fire_at=fire.fire_at,
        through=fire.through,
        reason=reason,
        is_late=fire.verdict is FireVerdict.LATE,
        epoch=fence.epoch,
    )
    enter_fire(transaction, row, entry, code, now)


def _pause(transaction: Transaction, row: Row, reason: str, now: datetime) -> None:
    """A task that cannot go on stands still and says so, instead of failing again every minute (hazard B-81)."""
    looked_at = from_epoch_ms(row["next_run"])
    entry = NewFire(fire_at=looked_at, through=looked_at, reason=f"paused: {reason}")
    enter_fire(transaction, row, entry, EventCode.TASK_SKIPPED, now)
    transaction.run("pause_task", task_id=row["id"])
    record_task_event(transaction, EventCode.TASK_PAUSED, row, now, detail=reason)
    key = OutboxId(f"task:{row['id']}:{to_epoch_ms(now)}:paused")
    text = pause_notice(row["number"], reason)
    send_notice(transaction, NewText(key, row["chat_jid"], TextKind.NOTICE, text), now)
