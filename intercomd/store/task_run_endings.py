"""Ending a task's run: the rules are in `domain/task_endings.py`, this applies what they decide.

The group's numbers stay as they are: what people asked for is settled and retried by its own runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from intercomd.domain.events import EventCode
from intercomd.domain.ids import OutboxId
from intercomd.domain.instants import iso_ms, to_epoch_ms
from intercomd.domain.outbox import NewText, TextKind
from intercomd.domain.runs import Outcome, RunEnding
from intercomd.domain.scheduled import FireState
from intercomd.domain.schedules.schedule import ScheduleKind
from intercomd.domain.task_endings import (
    FireEnding,
    FireFacts,
    decide,
    failure_notice,
    failures_after,
    summary_of,
    wants_notice,
)
from intercomd.domain.text import clean
from intercomd.store.engine import Row, Transaction
from intercomd.store.ports import RetryPolicy
from intercomd.store.task_fires import complete_if_done, record_fire_event, send_notice, settle_fire

_EVENT_OF_STATE = {
    FireState.RAN: EventCode.TASK_RAN,
    FireState.RAN_LATE: EventCode.TASK_RAN,
    FireState.FAILED: EventCode.TASK_FAILED,
    FireState.STOPPED: EventCode.TASK_STOPPED,
    FireState.STOPPED_BY_DRAIN: EventCode.TASK_DRAINED,
}


def end_task_run(
    transaction: Transaction,
    run: Row,
    outcome: Outcome,
    error: str | None,
    policy: RetryPolicy,
    now: datetime,
    words: str | None,
) -> RunEnding:
    """Settle the fire of a live run, or queue it again. The run and its group are locked; the run's own row is left to
    the caller. A task that was removed meanwhile has its fire settled all the same."""
    task = transaction.row("lock_task", task_id=run["task_id"])
    fire = transaction.row("find_fire", task_id=run["task_id"], fire_at=run["fire_at"])
    (prompt,) = transaction.rows("list_inputs", run_id=run["run_id"])
    assert fire is not None
    facts = FireFacts(
        outcome=outcome,
        has_effects=bool(run["has_effects"]),
        is_answered=prompt["settled_at"] is not None,
        is_late=bool(fire["is_late"]),
        attempts=fire["attempts"],
        was_orphaned_before=bool(fire["was_orphaned"]),
    )
    ending = decide(facts, policy.waits, now)
    if ending.is_queued:
        _queue_again(transaction, fire, facts, ending, error, now)
    else:
        reason = None if ending.has_run else clean(error or outcome.value)
        _settle(transaction, task, _Settled(run, fire, ending.state, outcome, reason, words, now))
    return RunEnding(ending.ending, ending.retry_at)


@dataclass(frozen=True, slots=True)
class _Settled:
    """A fire that has its final state; `reason` unless it has run, `words` where the agent has some for people."""

    run: Row
    fire: Row
    state: FireState
    outcome: Outcome
    reason: str | None
    words: str | None
    now: datetime


def _queue_again(
    transaction: Transaction, fire: Row, facts: FireFacts, ending: FireEnding, error: str | None, now: datetime
) -> None:
    transaction.run(
        "requeue_fire",
        task_id=fire["task_id"],
        fire_at=fire["fire_at"],
        attempts=fire["attempts"] + (0 if ending.retry_at is None else 1),
        not_before=0 if ending.retry_at is None else to_epoch_ms(ending.retry_at),
        was_orphaned=int(facts.was_orphaned_before or facts.outcome is Outcome.ORPHANED),
    )
    reason = clean(error or facts.outcome.value)
    if ending.retry_at is None:
        record_fire_event(transaction, EventCode.TASK_REQUEUED, fire, now, detail=reason)
    else:
        detail = f"{reason}; next try at {iso_ms(ending.retry_at)}"
        record_fire_event(transaction, EventCode.TASK_RETRY, fire, now, detail=detail)


def _settle(transaction: Transaction, task: Row | None, settled: _Settled) -> None:
    fire, state, now = settled.fire, settled.state, settled.now
    attempts = fire["attempts"] + int(state is FireState.FAILED)
    settle_fire(transaction, fire, state, settled.reason, now, attempts=attempts)
    late = "late, since its time was missed" if state is FireState.RAN_LATE else ""
    record_fire_event(transaction, _EVENT_OF_STATE[state], fire, now, detail=settled.reason or late)
    if task is not None:
        _record_result(transaction, task, settled)
        _tell_failure(transaction, task, settled)
        complete_if_done(transaction, task, now)


def _record_result(transaction: Transaction, task: Row, settled: _Settled) -> None:
    """What clients of the wire API see of a run (original.md §14), once per settled fire."""
    run, fire, now = settled.run, settled.fire, to_epoch_ms(settled.now)
    transaction.run(
        "record_task_result",
        task_id=task["id"],
        now=now,
        last_result=summary_of(fire["result"], settled.reason),
        failures=failures_after(settled.state, task["failures"]),
    )
    began_at = run["opened_at"] if run["started_at"] is None else run["started_at"]
    transaction.run(
        "add_task_log",
        task_id=task["id"],
        run_at=now,
        duration_ms=max(0, now - began_at),
        status="success" if settled.reason is None else "error",
        result=fire["result"],
        error=settled.reason,
    )


def _tell_failure(transaction: Transaction, task: Row, settled: _Settled) -> None:
    run = settled.run
    is_single = task["schedule_type"] == ScheduleKind.ONCE or settled.fire["manual_key"] is not None
    if wants_notice(settled.state, is_single=is_single, failures_before=task["failures"]):
        words = None if settled.words is None else clean(settled.words)
        text = failure_notice(task["number"], settled.outcome, settled.reason, words, is_single=is_single)
        key = OutboxId(f"{run['run_id']}:end")
        send_notice(transaction, NewText(key, run["chat_jid"], TextKind.NOTICE, text, run["run_id"]), settled.now)
