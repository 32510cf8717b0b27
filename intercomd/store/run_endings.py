"""Ending a run: the rules are in `domain/endings.py`, this applies what they decide."""

from __future__ import annotations

from datetime import datetime
from itertools import takewhile
from typing import NamedTuple

from intercomd.domain.endings import RunFacts, decide, notice_for
from intercomd.domain.events import EventCode
from intercomd.domain.ids import OutboxId, RunId
from intercomd.domain.instants import from_epoch_ms, to_epoch_ms
from intercomd.domain.outbox import NewText, TextKind
from intercomd.domain.runs import Ending, Outcome, RunEnding
from intercomd.domain.text import clean
from intercomd.errors import NotFound
from intercomd.store.engine import Row, Transaction
from intercomd.store.events import record_event
from intercomd.store.outbox_table import add_texts
from intercomd.store.ports import RetryPolicy
from intercomd.store.settling import give_up, settle
from intercomd.store.task_run_endings import end_task_run

_EVENT_OF_ENDING = {
    Ending.DONE: EventCode.RUN_ENDED,
    Ending.RETRY: EventCode.RUN_RETRY,
    Ending.GAVE_UP: EventCode.RUN_GAVE_UP,
    Ending.PENDING: EventCode.RUN_PENDING,
}


def end_run(
    transaction: Transaction,
    run_id: RunId,
    outcome: Outcome,
    error: str | None,
    policy: RetryPolicy,
    now: datetime,
    words: str | None = None,
) -> RunEnding:
    """The work of `Runs.end_run`."""
    run = transaction.row("lock_run", run_id=run_id)
    if run is None:
        raise NotFound(f"no run has the id {run_id}")
    if run["outcome"] is not None:
        retry_at = run["retry_at"]
        return RunEnding(Ending(run["ending"]), None if retry_at is None else from_epoch_ms(retry_at))
    if run["task_id"] is not None:
        ending = end_task_run(transaction, run, outcome, error, policy, now, words)
    else:
        ending = _end_request_run(transaction, run, outcome, _Why(error, words), policy, now)
    store_ending(transaction, run, outcome, error, ending, now)
    return ending


class _Why(NamedTuple):
    """Why a run has ended, for operators and for people."""

    error: str | None
    words: str | None


def _end_request_run(
    transaction: Transaction, run: Row, outcome: Outcome, why: _Why, policy: RetryPolicy, now: datetime
) -> RunEnding:
    inputs = transaction.rows("list_inputs", run_id=run["run_id"])
    facts = RunFacts(
        outcome=outcome,
        has_effects=bool(run["has_effects"]),
        is_prompt_answered=inputs[0]["settled_at"] is not None,
        has_unanswered=any(row["settled_at"] is None for row in inputs),
        attempts=run["attempts"],
        was_orphaned_before=bool(run["was_orphaned"]),
    )
    ending = decide(facts, policy.waits, now)
    _apply(transaction, run, inputs, facts, ending, why, now)
    return ending


def store_ending(
    transaction: Transaction, run: Row, outcome: Outcome, error: str | None, ending: RunEnding, now: datetime
) -> None:
    """Write a live run's outcome and the decision that follows from it."""
    transaction.run(
        "end_run",
        run_id=run["run_id"],
        outcome=outcome.value,
        error=None if error is None else clean(error),
        ending=ending.ending.value,
        retry_at=None if ending.retry_at is None else to_epoch_ms(ending.retry_at),
        now=to_epoch_ms(now),
    )
    record_event(
        transaction,
        _EVENT_OF_ENDING[ending.ending],
        now,
        chat_jid=run["chat_jid"],
        folder=run["folder"],
        run_id=run["run_id"],
        task_id=run["task_id"],
        detail=outcome.value,
    )


def _apply(
    transaction: Transaction,
    run: Row,
    inputs: list[Row],
    facts: RunFacts,
    ending: RunEnding,
    why: _Why,
    now: datetime,
) -> None:
    match ending.ending:
        case Ending.DONE:
            if facts.has_unanswered:
                settle(transaction, run, run["run_id"], inputs[-1]["up_to_seq"], now)
        case Ending.GAVE_UP:
            answered = takewhile(lambda row: row["settled_at"] is not None, inputs[1:])
            up_to_seq = max(row["up_to_seq"] for row in (inputs[0], *answered))
            can_retry = give_up(transaction, run, run["run_id"], up_to_seq, now)
            notice = notice_for(facts.outcome, *why, has_effects=facts.has_effects, can_retry=can_retry)
            _send_notice(transaction, run, clean(notice), now)
        case Ending.RETRY:
            assert ending.retry_at is not None
            transaction.run(
                "postpone_group",
                folder=run["folder"],
                attempts=run["attempts"] + 1,
                not_before=to_epoch_ms(ending.retry_at),
                was_orphaned=run["was_orphaned"],
            )
        case Ending.PENDING:
            transaction.run(
                "postpone_group",
                folder=run["folder"],
                attempts=run["attempts"],
                not_before=0,
                was_orphaned=int(facts.was_orphaned_before or facts.outcome is Outcome.ORPHANED),
            )


def _send_notice(transaction: Transaction, run: Row, text: str, now: datetime) -> None:
    notice = NewText(OutboxId(f"{run['run_id']}:end"), run["chat_jid"], TextKind.NOTICE, text, run["run_id"])
    add_texts(transaction, [notice], now)
