"""Chats, what people write in them, and the groups registered for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from intercomd.domain.ids import ChatJid, Folder, Generation, Seq


class MessageKind(StrEnum):
    """What a chat message is to us; decided once, when it is stored (`domain/intake.py`)."""

    REQUEST = "request"
    CONTEXT = "context"
    COMMAND = "command"
    BOT = "bot"


@dataclass(frozen=True, slots=True)
class IncomingMessage:
    """A chat message as a channel hands it over. `external_id` is unique in its chat: the key of the write."""

    chat_jid: ChatJid
    external_id: str
    sender: str
    sender_name: str
    content: str
    sent_at: datetime
    chat_name: str | None = None
    is_group: bool | None = None
    is_from_me: bool = False
    is_bot: bool = False


@dataclass(frozen=True, slots=True)
class AnsweredQuestion:
    """The agent's question that a message answers, and the choice it makes."""

    question: str
    choice: str


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """A stored chat message. `answers` is filled in where a prompt is made of it."""

    chat_jid: ChatJid
    seq: Seq
    external_id: str
    sender: str
    sender_name: str
    content: str
    sent_at: datetime
    stored_at: datetime
    kind: MessageKind
    answers: AnsweredQuestion | None = None


@dataclass(frozen=True, slots=True)
class Chat:
    """A conversation at a channel."""

    jid: ChatJid
    name: str
    channel: str
    is_group: bool
    last_seq: Seq
    last_message_at: datetime | None


class Network(StrEnum):
    """What a group's sandboxes may reach."""

    NONE = "none"
    """The model, through the gateway, and nothing else."""
    FULL = "full"


@dataclass(frozen=True, slots=True)
class Group:
    """A registered chat. `trigger` empty means the assistant's name; `runtime`/`model` None mean the defaults."""

    jid: ChatJid
    name: str
    folder: Folder
    trigger: str = ""
    requires_trigger: bool = True
    runtime: str | None = None
    model: str | None = None
    container_config: Mapping[str, object] | None = field(default=None, hash=False)
    added_at: datetime | None = None
    network: Network = Network.NONE


@dataclass(frozen=True, slots=True)
class GroupProgress:
    """A group and its numbers: what asked for an answer, what has its outcome, what the next prompt starts from."""

    group: Group
    last_seq: Seq
    last_request_seq: Seq
    settled_seq: Seq
    context_seq: Seq
    attempts: int
    not_before: datetime | None
    waiting_since: datetime | None
    generation: Generation

    @property
    def has_pending(self) -> bool:
        return self.last_request_seq > self.settled_seq


@dataclass(frozen=True, slots=True)
class ReadyChat:
    """A group with a request that may be worked on now; `waiting_since` is when its oldest request was stored."""

    chat_jid: ChatJid
    folder: Folder
    waiting_since: datetime


@dataclass(frozen=True, slots=True)
class Ingested:
    """What storing a message did. `is_new` is false when the channel delivered it a second time."""

    seq: Seq
    is_new: bool
    kind: MessageKind
    folder: Folder | None
