"""Outbox rows: texts decided on and not yet delivered, one row per part that a channel takes in one piece."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from intercomd.domain.ids import ChatJid, OutboxId, RunId


class OutboxState(StrEnum):
    PENDING = "pending"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    UNKNOWN = "unknown"
    """The channel may have accepted it and its answer never reached the store."""


class TextKind(StrEnum):
    REPLY = "reply"
    NOTICE = "notice"
    COMMAND = "command"


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """`position` orders the rows of one chat; `is_repeat`: show a "may be a duplicate" mark with it."""

    outbox_id: OutboxId
    chat_jid: ChatJid
    channel: str
    position: int
    kind: TextKind
    text: str
    state: OutboxState
    attempts: int
    is_repeat: bool
    run_id: RunId | None
    created_at: datetime
    not_before: datetime | None
    expires_at: datetime
    channel_ids: tuple[str, ...]
    error: str | None


@dataclass(frozen=True, slots=True)
class NewText:
    """A text to put into the outbox; `outbox_id` is made before the first try and makes the write idempotent."""

    outbox_id: OutboxId
    chat_jid: ChatJid
    kind: TextKind
    text: str
    run_id: RunId | None = None
