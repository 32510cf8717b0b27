"""`/v1/db/chats*`: which chats there are."""

from __future__ import annotations

from intercomd.api.services import Services
from intercomd.api.wire.shapes import Acknowledged, ChatBody, ChatInfo, ChatNameBody
from intercomd.api.wire.values import parse_instant, render_instant
from intercomd.desk.jids import parse_jid
from intercomd.domain.ids import ChatJid
from intercomd.domain.instants import EPOCH

GROUP_SYNC = ChatJid("__group_sync__")
"""No chat: the host keeps the time of its last look at WhatsApp's groups under it."""


def store_chat(services: Services, body: ChatBody) -> Acknowledged:
    """The channel follows from the JID, so that no caller can send a chat's replies elsewhere."""
    at = parse_instant(body.timestamp, "timestamp")
    services.store.compat.chats.record_chat(_parse_chat(body.jid), body.name, body.is_group, at)
    return Acknowledged()


def store_chat_name(services: Services, body: ChatNameBody) -> Acknowledged:
    services.store.compat.chats.rename_chat(_parse_chat(body.jid), body.name, services.clock.now())
    return Acknowledged()


def list_chats(services: Services) -> list[ChatInfo]:
    """A chat in which nobody has written yet has the time 1970 (hazard B-15)."""
    return [
        ChatInfo(
            jid=chat.jid,
            name=chat.name,
            last_message_time=render_instant(chat.last_message_at or EPOCH),
            channel=chat.channel or None,
            is_group=chat.is_group,
        )
        for chat in services.store.chats.list_chats()
    ]


def _parse_chat(jid: str) -> ChatJid:
    return GROUP_SYNC if jid == GROUP_SYNC else parse_jid(jid, "jid")
