"""Opening the run of a scheduled task, for the oldest fire of its group that may run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from intercomd.domain.events import EventCode
from intercomd.domain.ids import Epoch, Generation, InputId, RunId, Seq
from intercomd.domain.instants import from_epoch_ms, iso_ms, to_epoch_ms
from intercomd.domain.leases import Fence
from intercomd.domain.runs import OpenedRun, PromptInput
from intercomd.domain.scheduled import ContextMode, TaskInput, TaskStatus
from intercomd.domain.schedules.misfires import SkipReason
from intercomd.errors import StoreConflict
from intercomd.store.engine import Row, Transaction
from intercomd.store.events import record_event
from intercomd.store.rows import group_of
from intercomd.store.run_inputs import store_input
from intercomd.store.task_fires import skip_fire


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRunRequest:
    """The arguments of `Runs.open_task_run`; no wait of a fire is longer than `longest_wait`."""

    fence: Fence
    run_id: RunId
    input_id: InputId
    longest_wait: timedelta
    now: datetime


def open_task_run(transaction: Transaction, group: Row, request: TaskRunRequest) -> OpenedRun | None:
    """The work of `Runs.open_task_run`, behind the locks of the lease and of the group."""
    known = transaction.row("find_run", run_id=request.run_id)
    if known is not None:
        task = transaction.row("find_task", task_id=known["task_id"])
        return None if task is None else _opened(group, task, known, request.input_id)
    while (fire := _find_ready_fire(transaction, group, request)) is not None:
        # Fires that may not run are settled without the lock of their task: whoever locks several does so by id.
        reason = _reason_to_skip(transaction.row("find_task", task_id=fire["task_id"]), fire, group)
        if reason is not None:
            skip_fire(transaction, fire, reason, request.now)
            continue
        task = transaction.row("lock_task", task_id=fire["task_id"])
        if task is not None and _reason_to_skip(task, fire, group) is None:
            opened = _open(transaction, group, task, fire, request)
            if opened is not None:
                return opened
    return None


def _find_ready_fire(transaction: Transaction, group: Row, request: TaskRunRequest) -> Row | None:
    return transaction.row(
        "find_ready_fire",
        folder=group["folder"],
        now=to_epoch_ms(request.now),
        latest=to_epoch_ms(request.now + request.longest_wait),
    )


def _reason_to_skip(task: Row | None, fire: Row, group: Row) -> SkipReason | None:
    """Why a queued fire may not run any more; what somebody asked for by hand runs in a paused task too."""
    if task is None:
        return SkipReason.TASK_REMOVED
    if task["status"] != TaskStatus.ACTIVE and fire["manual_key"] is None:
        return SkipReason.TASK_PAUSED if task["status"] == TaskStatus.PAUSED else SkipReason.TASK_COMPLETED
    is_of_group = task["group_folder"] == group["folder"] and task["chat_jid"] == group["jid"]
    return None if is_of_group else SkipReason.GROUP_REMOVED


def _open(
    transaction: Transaction, group: Row, task: Row, fire: Row, request: TaskRunRequest
) -> OpenedRun | None:
    """None when somebody settled the fire before the task was locked."""
    live = transaction.row("find_live_run", folder=group["folder"])
    if live is not None:
        raise StoreConflict(f"group {group['folder']} has the live run {live['run_id']}")
    started = transaction.row(
        "start_fire",
        task_id=fire["task_id"],
        fire_at=fire["fire_at"],
        run_id=request.run_id,
        epoch=request.fence.epoch,
    )
    if started is None:
        return None
    run = {
        "run_id": request.run_id,
        "folder": group["folder"],
        "chat_jid": group["jid"],
        "epoch": request.fence.epoch,
        "generation": group["generation"],
        "attempt": started["attempts"] + 1,
        "task_id": task["id"],
        "fire_at": fire["fire_at"],
        "context_mode": _mode_of(task).value,
    }
    transaction.run("add_task_run", **run, now=to_epoch_ms(request.now))
    store_input(transaction, request.run_id, _prompt(request.input_id))
    record_event(
        transaction,
        EventCode.RUN_OPENED,
        request.now,
        chat_jid=group["jid"],
        folder=group["folder"],
        run_id=request.run_id,
        task_id=task["id"],
        detail=iso_ms(from_epoch_ms(fire["fire_at"])),
    )
    return _opened(group, task, run, request.input_id)


def _opened(group: Row, task: Row, run: Row, input_id: InputId) -> OpenedRun:
    mode = ContextMode(run["context_mode"])
    return OpenedRun(
        run["run_id"],
        group_of(group),
        Epoch(run["epoch"]),
        Generation(run["generation"]),
        run["attempt"],
        _prompt(input_id),
        group["session_id"] if mode is ContextMode.GROUP else None,
        TaskInput(task["id"], from_epoch_ms(run["fire_at"]), task["prompt"], mode),
    )


def _mode_of(task: Row) -> ContextMode:
    """Clients of the wire API may have stored any word; only one of them gives a task the conversation."""
    return ContextMode.GROUP if task["context_mode"] == ContextMode.GROUP else ContextMode.ISOLATED


def _prompt(input_id: InputId) -> PromptInput:
    return PromptInput(input_id, Seq(0), Seq(0), (), 0)
