"""Chats and texts for clients of the existing wire API."""

from __future__ import annotations

from datetime import datetime

from intercomd.domain.chat import ChatMessage
from intercomd.domain.ids import ChatJid, Seq
from intercomd.domain.instants import to_epoch_ms
from intercomd.domain.routing import channel_of
from intercomd.domain.text import clean
from intercomd.errors import InvalidInput
from intercomd.store.compat_ports import GroupTimes, Texts
from intercomd.store.engine import Database
from intercomd.store.rows import instant_or_none, message_of

_BEFORE_EVERYTHING = -(2**62)


class WireChatsTable:
    """The `WireChats` port."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record_chat(self, chat_jid: ChatJid, name: str | None, is_group: bool | None, at: datetime | None) -> None:
        self._database.write(
            lambda transaction: transaction.run(
                "upsert_chat",
                chat_jid=chat_jid,
                name=None if name is None else clean(name),
                channel=channel_of(chat_jid),
                is_group=None if is_group is None else int(is_group),
                at=None if at is None else to_epoch_ms(at),
            )
        )

    def rename_chat(self, chat_jid: ChatJid, name: str, now: datetime) -> None:
        self._database.write(
            lambda transaction: transaction.run(
                "rename_chat",
                chat_jid=chat_jid,
                name=clean(name),
                channel=channel_of(chat_jid),
                now=to_epoch_ms(now),
            )
        )

    def texts_since(self, chat_jid: ChatJid, after: datetime | None, mark: str) -> Texts:
        last = self._last_seq(chat_jid)
        rows = self._database.rows(
            "list_texts_by_time",
            chat_jid=chat_jid,
            after=_BEFORE_EVERYTHING if after is None else to_epoch_ms(after),
            mark=clean(mark),
        )
        messages = [message_of(row) for row in rows]
        return Texts(messages, max([last, *(message.seq for message in messages)]))

    def texts_after(self, chat_jid: ChatJid, after: Seq, mark: str, limit: int) -> Texts:
        last = self._last_seq(chat_jid)
        if after > last:
            raise InvalidInput(
                "cursor",
                f"it is ahead of the chat {chat_jid}, so it is of another store, or a backup was restored; "
                "start again without it",
            )
        rows = self._database.rows(
            "list_texts_by_seq", chat_jid=chat_jid, after=after, up_to=last, mark=clean(mark), limit=limit
        )
        messages = [message_of(row) for row in rows]
        return Texts(messages, messages[-1].seq if len(messages) == limit else last)

    def conversation(self, chat_jid: ChatJid, limit: int) -> list[ChatMessage]:
        rows = self._database.rows("list_conversation", chat_jid=chat_jid, limit=limit)
        return [message_of(row) for row in reversed(rows)]

    def list_group_times(self) -> list[GroupTimes]:
        return [
            GroupTimes(row["jid"], instant_or_none(row["newest_at"]), instant_or_none(row["context_at"]))
            for row in self._database.rows("list_group_times")
        ]

    def _last_seq(self, chat_jid: ChatJid) -> Seq:
        row = self._database.row("find_last_seq", chat_jid=chat_jid)
        return Seq(0 if row is None else row["last_seq"])
