"""`/v1/db/messages*`: storing chat messages, and reading what is new.

Storing is ingest: what a message is and whether it asks for an answer is decided by the same rule as everywhere, and
the message loop is woken. Reading by time loses what arrives late or in the same millisecond (hazards B-06, B-07);
reading by cursor does not.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from intercomd.api.services import Services
from intercomd.api.wire.shapes import (
    Acknowledged,
    ConversationBody,
    ConversationMessage,
    MessagesSince,
    MessagesSinceBody,
    NewMessage,
    NewMessages,
    NewMessagesBody,
)
from intercomd.api.wire.values import Positions, parse_cursor, parse_instant, render_cursor, render_instant
from intercomd.desk.jids import parse_jid
from intercomd.domain.chat import ChatMessage, IncomingMessage, MessageKind
from intercomd.domain.ids import ChatJid
from intercomd.domain.instants import EPOCH
from intercomd.domain.mailbox import ChatStored, CommandStored
from intercomd.store.compat_ports import WireChats

CURSOR_BATCH = 500
"""Texts in one answer to a request with a cursor; the next call gets the next ones."""


class _Start(NamedTuple):
    """From where to read: chats that the cursor does not know are read by time."""

    positions: Positions
    after: datetime | None
    mark: str


def store_message(services: Services, body: NewMessage) -> Acknowledged:
    """The same id in the same chat again changes nothing but the text. A command of ours is answered by us."""
    jid = parse_jid(body.chat_jid, "chat_jid")
    message = IncomingMessage(
        chat_jid=jid,
        external_id=body.id,
        sender=body.sender,
        sender_name=body.sender_name,
        content=body.content,
        sent_at=parse_instant(body.timestamp, "timestamp") or EPOCH,
        is_from_me=body.is_from_me,
        is_bot=body.is_bot_message,
    )
    stored = services.store.chats.ingest(message, services.clock.now())
    if stored.kind is MessageKind.COMMAND:
        services.commands.hint(CommandStored(jid, stored.seq))
    else:
        services.message_loop.hint(ChatStored(jid))
    return Acknowledged()


def list_new(services: Services, body: NewMessagesBody) -> NewMessages:
    after = parse_instant(body.last_timestamp, "last_timestamp")
    start = _Start(parse_cursor(body.cursor), after, _mark(body.bot_prefix))
    jids = [ChatJid(jid) for jid in dict.fromkeys(body.jids)]
    messages, positions = _read(services.store.compat.chats, jids, start)
    return NewMessages(
        messages=[_render(message) for message in messages],
        new_timestamp=_later(body.last_timestamp, after, messages),
        new_cursor=render_cursor(positions),
    )


def list_since(services: Services, body: MessagesSinceBody) -> list[NewMessage] | MessagesSince:
    after = parse_instant(body.since_timestamp, "since_timestamp")
    start = _Start(parse_cursor(body.cursor), after, _mark(body.bot_prefix))
    messages, positions = _read(services.store.compat.chats, [ChatJid(body.chat_jid)], start)
    rendered = [_render(message) for message in messages]
    return rendered if body.cursor is None else MessagesSince(rendered, render_cursor(positions))


def list_conversation(services: Services, body: ConversationBody) -> list[ConversationMessage]:
    return [
        ConversationMessage(
            sender_name=message.sender_name,
            content=message.content,
            timestamp=render_instant(message.sent_at),
            is_bot_message=message.kind is MessageKind.BOT,
        )
        for message in services.store.compat.chats.conversation(ChatJid(body.chat_jid), body.limit)
    ]


def _read(chats: WireChats, jids: Iterable[ChatJid], start: _Start) -> tuple[list[ChatMessage], Positions]:
    """The texts, and the positions behind them; positions of other chats are handed on.

    By time they come in the order of their times, by cursor in the order in which they were stored.
    """
    positions = dict(start.positions)
    batches: list[Sequence[ChatMessage]] = []
    room = CURSOR_BATCH
    for jid in jids:
        known = start.positions.get(jid)
        if known is None:
            texts = chats.texts_since(jid, start.after, start.mark)
        elif room > 0:
            texts = chats.texts_after(jid, known, start.mark, room)
        else:
            continue
        positions[jid] = texts.position
        batches.append(texts.messages)
        room -= len(texts.messages)
    if start.positions:
        by_seq = (sorted(batch, key=lambda message: message.seq) for batch in batches)
        return list(heapq.merge(*by_seq, key=lambda message: message.stored_at)), positions
    messages = [message for batch in batches for message in batch]
    return sorted(messages, key=lambda message: (message.sent_at, message.chat_jid, message.seq)), positions


def _mark(bot_prefix: str) -> str:
    """How texts of the assistant begin, for callers that tell them by it; literally, and an empty prefix hides none
    (hazard B-14)."""
    return f"{bot_prefix}:" if bot_prefix else ""


def _later(given: str, after: datetime | None, messages: Sequence[ChatMessage]) -> str:
    """The newest time among the texts and what the caller gave."""
    newest = max((message.sent_at for message in messages), default=None)
    if newest is None or (after is not None and newest <= after):
        return given
    return render_instant(newest)


def _render(message: ChatMessage) -> NewMessage:
    return NewMessage(
        id=message.external_id,
        chat_jid=message.chat_jid,
        sender=message.sender,
        sender_name=message.sender_name,
        content=message.content,
        timestamp=render_instant(message.sent_at),
    )
