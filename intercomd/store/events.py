"""The record of decisions: what was decided, when and why."""

from __future__ import annotations

from datetime import datetime

from intercomd.domain.events import EventCode
from intercomd.domain.ids import ChatJid, TaskId
from intercomd.domain.instants import to_epoch_ms
from intercomd.store.engine import Database, Transaction
from intercomd.store.event_ports import EventRow
from intercomd.store.rows import event_of


def record_event(
    transaction: Transaction,
    code: EventCode | str,
    now: datetime,
    *,
    chat_jid: str | None = None,
    folder: str | None = None,
    run_id: str | None = None,
    task_id: str | None = None,
    seq: int | None = None,
    detail: str = "",
) -> None:
    """Append a decision in the transaction that makes it."""
    transaction.run(
        "add_event",
        at=to_epoch_ms(now),
        code=str(code),
        chat_jid=chat_jid,
        folder=folder,
        run_id=run_id,
        task_id=task_id,
        seq=seq,
        detail=detail,
    )


class EventsTable:
    """The `Events` port."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def list_recent(self, chat_jid: ChatJid | None, limit: int) -> list[EventRow]:
        if chat_jid is None:
            rows = self._database.rows("list_recent_events", limit=limit)
        else:
            rows = self._database.rows("list_recent_events_of_chat", chat_jid=chat_jid, limit=limit)
        return [event_of(row) for row in rows]

    def list_of_task(self, task_id: TaskId, limit: int) -> list[EventRow]:
        rows = self._database.rows("list_recent_events_of_task", task_id=task_id, limit=limit)
        return [event_of(row) for row in rows]
