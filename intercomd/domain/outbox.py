"""Outbox rows: texts decided on and not yet delivered, one row per part that a channel takes in one piece."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from intercomd.domain.ids import ChatJid, Epoch, OutboxId, RunId

LONGEST_WAIT = timedelta(minutes=15)
"""A text waits at most so long for its next try, whatever a channel asks for: one that is to wait longer was postponed
before somebody set the clock back, and is due."""


REPEAT_MARK = "(may be a duplicate)\n"
"""Stands before a text that may have arrived already, on channels that cannot tell."""


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
    RELAY = "relay"
    """Sent on behalf of a caller of the API."""


@dataclass(frozen=True, slots=True)
class Button:
    """Shown below a text where the channel has buttons; `data` comes back when it is pressed."""

    label: str
    data: str


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file to show people, by the name they see; its content is kept apart, under the row's id."""

    name: str
    size: int


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """`position` orders the rows of one chat; `is_repeat`: show a "may be a duplicate" mark with it; `epoch` is that
    of its last claim. With an `attachment` the text says which file it is, for whoever is shown no files."""

    outbox_id: OutboxId
    chat_jid: ChatJid
    channel: str
    position: int
    kind: TextKind
    text: str
    state: OutboxState
    attempts: int
    is_repeat: bool
    epoch: Epoch | None
    run_id: RunId | None
    created_at: datetime
    not_before: datetime | None
    channel_ids: tuple[str, ...]
    error: str | None
    buttons: tuple[Button, ...] = ()
    attachment: Attachment | None = None


@dataclass(frozen=True, slots=True)
class NewText:
    """A text to put into the outbox; `outbox_id` is made before the first try and makes the write idempotent."""

    outbox_id: OutboxId
    chat_jid: ChatJid
    kind: TextKind
    text: str
    run_id: RunId | None = None
    buttons: tuple[Button, ...] = ()
    attachment: Attachment | None = None


@dataclass(frozen=True, slots=True)
class RelayRequest:
    """Texts that a caller of the API wants sent to a chat, and no key with them: `digest` stands for what is asked,
    `nonce` is made for this request."""

    chat_jid: ChatJid
    parts: tuple[str, ...]
    digest: str
    nonce: str

    @property
    def prefix(self) -> str:
        """What the ids of all requests for the same begin with."""
        return f"relay:{self.digest}:"

    def ids_of(self, nonce: str) -> tuple[OutboxId, ...]:
        return tuple(OutboxId(f"{self.prefix}{nonce}:{number}") for number in range(len(self.parts)))
