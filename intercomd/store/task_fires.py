"""The ledger of fires: one row per (task, fire time), always written under the task's row lock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from intercomd.domain.events import EventCode
from intercomd.domain.instants import from_epoch_ms, iso_ms, to_epoch_ms
from intercomd.domain.outbox import NewText
from intercomd.domain.scheduled import FireState
from intercomd.domain.text import clean
from intercomd.store.engine import Row, Transaction
from intercomd.store.events import record_event
from intercomd.store.outbox_table import add_texts


@dataclass(frozen=True, slots=True, kw_only=True)
class NewFire:
    """A fire time that is entered: queued, or skipped for a reason, which then stands for all times up to `through`."""

    fire_at: datetime
    through: datetime
    reason: str | None = None
    is_late: bool = False
    manual_key: str | None = None
    epoch: int | None = None


def enter_fire(
    transaction: Transaction, task: Row, fire: NewFire, code: EventCode, now: datetime, *, who: str = ""
) -> bool:
    """Enter a fire of a locked task, with the event `code`; False when this fire time has a row already."""
    is_skipped = fire.reason is not None
    entered = transaction.row(
        "add_fire",
        task_id=task["id"],
        fire_at=to_epoch_ms(fire.fire_at),
        through=to_epoch_ms(fire.through),
        folder=task["group_folder"],
        chat_jid=task["chat_jid"],
        state=(FireState.SKIPPED if is_skipped else FireState.QUEUED).value,
        reason=None if fire.reason is None else clean(fire.reason),
        is_late=int(fire.is_late),
        manual_key=None if fire.manual_key is None else clean(fire.manual_key),
        epoch=fire.epoch,
        now=to_epoch_ms(now),
        settled_at=to_epoch_ms(now) if is_skipped else None,
    )
    if entered is None:
        return False
    until = f" to {iso_ms(fire.through)}" if fire.through > fire.fire_at else ""
    detail = f"{iso_ms(fire.fire_at)}{until} {fire.reason or (who and f'by {who}')}".rstrip()
    record_task_event(transaction, code, task, now, detail=detail)
    return True


def settle_fire(
    transaction: Transaction, fire: Row, state: FireState, reason: str | None, now: datetime, *, attempts: int
) -> None:
    """The fire has its final state."""
    transaction.run(
        "settle_fire",
        task_id=fire["task_id"],
        fire_at=fire["fire_at"],
        state=state.value,
        reason=None if reason is None else clean(reason),
        attempts=attempts,
        now=to_epoch_ms(now),
    )


def skip_fire(transaction: Transaction, fire: Row, reason: str, now: datetime) -> None:
    """A queued fire will not run."""
    settle_fire(transaction, fire, FireState.SKIPPED, reason, now, attempts=fire["attempts"])
    record_fire_event(transaction, EventCode.TASK_SKIPPED, fire, now, detail=reason)


def record_task_event(
    transaction: Transaction, code: EventCode, task: Row, now: datetime, *, detail: str = ""
) -> None:
    """A decision about a task."""
    record_event(
        transaction,
        code,
        now,
        chat_jid=task["chat_jid"],
        folder=task["group_folder"],
        task_id=task["id"],
        detail=detail,
    )


def record_fire_event(transaction: Transaction, code: EventCode, fire: Row, now: datetime, *, detail: str = "") -> None:
    """A decision about one fire of a task."""
    record_event(
        transaction,
        code,
        now,
        chat_jid=fire["chat_jid"],
        folder=fire["folder"],
        run_id=fire["run_id"],
        task_id=fire["task_id"],
        detail=f"{iso_ms(from_epoch_ms(fire['fire_at']))} {detail}".rstrip(),
    )


def complete_if_done(transaction: Transaction, task: Row, now: datetime) -> None:
    """A `once` is completed when its fire is settled, not before: until then it may have to run again."""
    if transaction.row("complete_task", task_id=task["id"]) is not None:
        record_task_event(transaction, EventCode.TASK_COMPLETED, task, now)


def send_notice(transaction: Transaction, notice: NewText, now: datetime) -> None:
    """Tell the chat, once; a chat that nobody has written in cannot be told."""
    is_known = transaction.row("find_last_seq", chat_jid=notice.chat_jid) is not None
    if is_known and transaction.row("find_text", outbox_id=notice.outbox_id) is None:
        add_texts(transaction, [notice], now)
