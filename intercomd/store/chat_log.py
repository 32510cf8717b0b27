"""Chats and what was written in them: every message gets its place in its chat, whatever its time says."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from intercomd.domain.chat import Chat, ChatMessage, Group, IncomingMessage, Ingested, MessageKind
from intercomd.domain.events import EventCode
from intercomd.domain.ids import ChatJid, Seq
from intercomd.domain.instants import to_epoch_ms
from intercomd.domain.intake import judge
from intercomd.domain.questions import Question
from intercomd.domain.routing import channel_of
from intercomd.domain.text import clean
from intercomd.errors import NotFound
from intercomd.store.engine import Database, LostRace, Row, Transaction
from intercomd.store.events import record_event
from intercomd.store.open_questions import answer_question, find_open_question
from intercomd.store.rows import chat_of, group_of, message_of

_EVENT_OF_KIND = {
    MessageKind.REQUEST: EventCode.MESSAGE_REQUEST,
    MessageKind.CONTEXT: EventCode.MESSAGE_CONTEXT,
    MessageKind.COMMAND: EventCode.MESSAGE_COMMAND,
}


class ChatLogTable:
    """The `ChatLog` port."""

    def __init__(self, database: Database, *, assistant_name: str, main_folder: str) -> None:
        self._database = database
        self._assistant_name = assistant_name
        self._main_folder = main_folder

    def ingest(self, message: IncomingMessage, now: datetime) -> Ingested:
        storable = _storable(message)
        return self._database.write(lambda transaction: self._ingest(transaction, storable, now))

    def list_chats(self) -> list[Chat]:
        return [chat_of(row) for row in self._database.rows("list_chats")]

    def history(self, chat_jid: ChatJid, after: Seq, limit: int) -> list[ChatMessage]:
        rows = self._database.rows("list_history", chat_jid=chat_jid, after=after, limit=limit)
        return [message_of(row) for row in rows]

    def recent(self, chat_jid: ChatJid, limit: int) -> list[ChatMessage]:
        rows = self._database.rows("list_recent_messages", chat_jid=chat_jid, limit=limit)
        return [message_of(row) for row in reversed(rows)]

    def list_unhandled_commands(self, limit: int) -> list[ChatMessage]:
        return [message_of(row) for row in self._database.rows("list_unhandled_commands", limit=limit)]

    def get_message(self, chat_jid: ChatJid, seq: Seq) -> ChatMessage:
        row = self._database.row("find_message", chat_jid=chat_jid, seq=seq)
        if row is None:
            raise NotFound(f"chat {chat_jid} has no message {seq}")
        return message_of(row)

    def _ingest(self, transaction: Transaction, message: IncomingMessage, now: datetime) -> Ingested:
        group = _lock_group(transaction, message.chat_jid)
        drawn = _draw_seq(transaction, message)
        if drawn is None:
            return _edit(transaction, message, group)
        if group is None and _lock_group(transaction, message.chat_jid) is not None:
            raise LostRace(f"chat {message.chat_jid} was registered meanwhile")
        question = None if group is None else find_open_question(transaction, message.chat_jid, now)
        judged = judge(group, message, question, self._assistant_name, self._main_folder)
        ingested = Ingested(Seq(drawn["last_seq"]), True, judged.kind, None if group is None else group.folder)
        _add(transaction, message, ingested, now)
        if question is not None and judged.choice is not None:
            answer_question(transaction, question, judged.choice, ingested.seq, now)
        return ingested


def store_answer(
    transaction: Transaction, message: IncomingMessage, group: Group, question: Question, choice: int, now: datetime
) -> None:
    """Store a choice that was made without a text, under the group's row lock."""
    drawn = _draw_seq(transaction, message)
    if drawn is None:
        raise LostRace(f"chat {message.chat_jid}: message {message.external_id} was stored meanwhile")
    ingested = Ingested(Seq(drawn["last_seq"]), True, MessageKind.REQUEST, group.folder)
    _add(transaction, message, ingested, now)
    answer_question(transaction, question, choice, ingested.seq, now)


def _storable(message: IncomingMessage) -> IncomingMessage:
    return replace(
        message,
        external_id=clean(message.external_id),
        content=clean(message.content),
        sender=clean(message.sender),
        sender_name=clean(message.sender_name),
        chat_name=None if message.chat_name is None else clean(message.chat_name),
    )


def _lock_group(transaction: Transaction, chat_jid: ChatJid) -> Group | None:
    row = transaction.row("lock_group_by_jid", chat_jid=chat_jid)
    return None if row is None else group_of(row)


def _draw_seq(transaction: Transaction, message: IncomingMessage) -> Row | None:
    return transaction.row(
        "draw_seq",
        chat_jid=message.chat_jid,
        chat_name=message.chat_name,
        channel=channel_of(message.chat_jid),
        is_group=None if message.is_group is None else int(message.is_group),
        sent_at=to_epoch_ms(message.sent_at),
        external_id=message.external_id,
    )


def _add(transaction: Transaction, message: IncomingMessage, ingested: Ingested, now: datetime) -> None:
    """Store a new message as what it was found to be."""
    _add_message(transaction, message, ingested, now)
    if ingested.kind is MessageKind.REQUEST:
        transaction.run("note_request", chat_jid=message.chat_jid, seq=ingested.seq, now=to_epoch_ms(now))
    _record_intake(transaction, message, ingested, now)


def _add_message(transaction: Transaction, message: IncomingMessage, ingested: Ingested, now: datetime) -> None:
    added = transaction.row(
        "add_message",
        chat_jid=message.chat_jid,
        seq=ingested.seq,
        external_id=message.external_id,
        sender=message.sender,
        sender_name=message.sender_name,
        content=message.content,
        sent_at=to_epoch_ms(message.sent_at),
        stored_at=to_epoch_ms(now),
        kind=ingested.kind.value,
        is_from_me=int(message.is_from_me),
    )
    if added is None:
        raise LostRace(f"chat {message.chat_jid}: message {message.external_id} was stored meanwhile")


def _edit(transaction: Transaction, message: IncomingMessage, group: Group | None) -> Ingested:
    row = transaction.row(
        "edit_message", chat_jid=message.chat_jid, external_id=message.external_id, content=message.content
    )
    if row is None:
        raise LostRace(f"chat {message.chat_jid}: message {message.external_id} went away meanwhile")
    return Ingested(Seq(row["seq"]), False, MessageKind(row["kind"]), None if group is None else group.folder)


def _record_intake(transaction: Transaction, message: IncomingMessage, ingested: Ingested, now: datetime) -> None:
    if ingested.kind is MessageKind.BOT:
        return
    code = _EVENT_OF_KIND[ingested.kind]
    if ingested.kind is MessageKind.CONTEXT and ingested.folder is None:
        code = EventCode.MESSAGE_UNREGISTERED
    elif ingested.kind is MessageKind.CONTEXT and not message.content.strip():
        code = EventCode.MESSAGE_BLANK
    record_event(transaction, code, now, chat_jid=message.chat_jid, folder=ingested.folder, seq=ingested.seq)
