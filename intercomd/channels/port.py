"""What a channel is, and what it asks of the rest: channels know neither the store nor the kit, only these shapes."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from intercomd.domain.chat import Chat, ChatMessage, Group, GroupProgress, IncomingMessage, Ingested
from intercomd.domain.ids import ChatJid, OutboxId, Seq
from intercomd.domain.questions import ChoicePress, PressOutcome


class Channel(Protocol):
    """The sending side of a transport: an actor that takes `DeliverTexts`, `TextsRecorded`, `LiveText` and `Heartbeat`.

    It may block on its transport for as long as its own deadlines allow; the Outbox never does. Each row of a
    `DeliverTexts` is answered to the Outbox with one `TextDelivered` or `TextNotDelivered`, in order; a row that got
    no answer (the channel crashed) is found in the store by the Outbox's rescue.
    """

    @property
    def name(self) -> str:
        """The part of a JID or an outbox row that says whose it is: `local`, `telegram`."""
        ...

    @property
    def is_idempotent(self) -> bool:
        """True when delivering a row twice shows it once, so rows left in doubt are simply delivered again."""
        ...

    def handle(self, item: object) -> object: ...


class KeptFiles(Protocol):
    """The content of rows with an attachment."""

    def read(self, outbox_id: OutboxId) -> bytes:
        """Raises `NotFound` when it is not there any more."""
        ...


class Mailbox(Protocol):
    """Where hints go; the store is the truth, so a lost one costs only time."""

    def hint(self, item: object) -> bool:
        """False when the item was lost; never raises."""
        ...


class ChatLog(Protocol):
    """The part of the store's chat log that a channel uses."""

    def ingest(self, message: IncomingMessage, now: datetime) -> Ingested: ...

    def list_chats(self) -> list[Chat]: ...

    def history(self, chat_jid: ChatJid, after: Seq, limit: int) -> list[ChatMessage]: ...

    def recent(self, chat_jid: ChatJid, limit: int) -> list[ChatMessage]: ...


class Groups(Protocol):
    """The part of the store's group registry that a channel uses."""

    def add(self, group: Group, now: datetime) -> Group: ...

    def find_by_jid(self, chat_jid: ChatJid) -> GroupProgress | None: ...


class Questions(Protocol):
    """The part of the store's questions that a channel with buttons uses."""

    def press(self, press: ChoicePress, now: datetime) -> PressOutcome: ...


class ChannelStore(Protocol):
    """The store as a channel sees it."""

    @property
    def chats(self) -> ChatLog: ...

    @property
    def groups(self) -> Groups: ...

    @property
    def questions(self) -> Questions: ...
