"""What is asked of the store about the record of decisions. The rules of `store/ports.py` hold here too."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from intercomd.domain.ids import ChatJid, Folder, RunId, Seq, TaskId


@dataclass(frozen=True, slots=True)
class EventRow:
    """One decision: append-only, written in the transaction that made it. `code` is from `domain/events.py`."""

    at: datetime
    code: str
    chat_jid: ChatJid | None
    folder: Folder | None
    run_id: RunId | None
    seq: Seq | None
    detail: str
    task_id: TaskId | None = None


class Events(Protocol):
    """The record of decisions."""

    def list_recent(self, chat_jid: ChatJid | None, limit: int) -> list[EventRow]:
        """Newest first."""
        ...

    def list_of_task(self, task_id: TaskId, limit: int) -> list[EventRow]:
        """What was decided about a scheduled task and its runs, newest first; also after its removal."""
        ...
