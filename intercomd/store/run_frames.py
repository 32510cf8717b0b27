"""Recording a frame: texts for the outbox, session id, settled inputs, all or nothing.

The frames of a run are recorded in rising order, so the number of the last one tells whether a frame is known.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from intercomd.domain.events import EventCode
from intercomd.domain.ids import OutboxId
from intercomd.domain.instants import to_epoch_ms
from intercomd.domain.outbox import NewText, TextKind
from intercomd.domain.runs import Recorded
from intercomd.domain.scheduled import ContextMode
from intercomd.domain.task_endings import summary_of
from intercomd.domain.text import clean
from intercomd.errors import NotFound
from intercomd.store.carry_over import consume_carried
from intercomd.store.engine import Row, Transaction
from intercomd.store.events import record_event
from intercomd.store.outbox_table import add_texts
from intercomd.store.ports import FrameWrite
from intercomd.store.settling import settle


def record_frame(transaction: Transaction, write: FrameWrite, now: datetime) -> Recorded:
    """The work of `Runs.record_frame`."""
    run = transaction.row("lock_run", run_id=write.run_id)
    if run is None:
        raise NotFound(f"no run has the id {write.run_id}")
    if write.frame <= run["last_frame"]:
        superseded_from = run["superseded_frame"]
        if superseded_from is not None and write.frame >= superseded_from:
            return Recorded(is_superseded=True)
        return Recorded(is_superseded=False, replies=len(write.replies))
    if run["outcome"] is not None or run["group_generation"] != write.generation:
        transaction.run("record_superseded_frame", run_id=write.run_id, frame=write.frame)
        _record_event(transaction, EventCode.RUN_SUPERSEDED, run, write, now)
        return Recorded(is_superseded=True)
    if write.lost_session is not None and not _forget(transaction, run, write.lost_session):
        write = replace(write, notice=None, event=None)
    add_texts(transaction, _texts(run, write), now)
    if write.session_id not in (None, run["session_id"]) and run["context_mode"] != ContextMode.ISOLATED:
        transaction.run("set_session", folder=run["folder"], session_id=write.session_id)
    if run["task_id"] is not None and write.replies:
        _note_result(transaction, run, write)
    if write.settles:
        _settle(transaction, run, write, now)
    transaction.run(
        "record_frame",
        run_id=write.run_id,
        frame=write.frame,
        replies=len(write.replies),
        model=write.model,
        now=to_epoch_ms(now),
    )
    code = write.event or (EventCode.RUN_REPLIED if write.replies else None)
    if code is not None:
        _record_event(transaction, code, run, write, now)
    return Recorded(is_superseded=False, replies=len(write.replies))


def _forget(transaction: Transaction, run: Row, session_id: str) -> bool:
    """False when that is not the group's session any more: whoever changed it has said so."""
    return transaction.row("forget_session", folder=run["folder"], session_id=session_id) is not None


def _texts(run: Row, write: FrameWrite) -> list[NewText]:
    key = f"{write.run_id}:{write.frame}"
    texts = [
        NewText(OutboxId(f"{key}:{part}"), run["chat_jid"], TextKind.REPLY, text, write.run_id)
        for part, text in enumerate(write.replies)
    ]
    if write.notice is not None:
        texts.append(NewText(OutboxId(f"{key}:notice"), run["chat_jid"], TextKind.NOTICE, write.notice, write.run_id))
    return texts


def _settle(transaction: Transaction, run: Row, write: FrameWrite, now: datetime) -> None:
    """An answer is kept with its input; the group's numbers move up to the first input that has none yet."""
    for input_id in write.settles:
        transaction.run("settle_input", run_id=write.run_id, input_id=input_id, now=to_epoch_ms(now))
    if run["task_id"] is not None:
        return
    up_to_seq = None
    for row in transaction.rows("list_inputs", run_id=write.run_id):
        if row["settled_at"] is None:
            break
        up_to_seq = row["up_to_seq"]
    if up_to_seq is not None:
        settle(transaction, run, write.run_id, up_to_seq, now)
        consume_carried(transaction, run)


def _note_result(transaction: Transaction, run: Row, write: FrameWrite) -> None:
    """The last thing that a task's run says is its result."""
    summary = summary_of("".join(write.replies), None)
    transaction.run("note_fire_result", task_id=run["task_id"], fire_at=run["fire_at"], result=clean(summary))


def _record_event(transaction: Transaction, code: EventCode | str, run: Row, write: FrameWrite, now: datetime) -> None:
    record_event(
        transaction,
        code,
        now,
        chat_jid=run["chat_jid"],
        folder=run["folder"],
        run_id=write.run_id,
        task_id=run["task_id"],
        detail=f"in {len(write.replies)} parts" if len(write.replies) > 1 else "",
    )
