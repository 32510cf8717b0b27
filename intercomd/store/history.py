"""Searching what was said in a chat. Databases differ in which letters have a lower case, so Python compares."""

from __future__ import annotations

from datetime import datetime

from intercomd.domain.chat import ChatMessage
from intercomd.domain.ids import ChatJid
from intercomd.domain.instants import to_epoch_ms
from intercomd.domain.text import clean
from intercomd.store.engine import Database
from intercomd.store.rows import message_of

_PAGE = 1_000
_MOST_PAGES = 50
_NO_SEQ = 0


class HistoryOfChats:
    """The `History` port."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def search(self, chat_jid: ChatJid, text: str, before: datetime, limit: int) -> list[ChatMessage]:
        wanted = clean(text).casefold()
        found: list[ChatMessage] = []
        sent_at, seq = to_epoch_ms(before), _NO_SEQ
        for _ in range(_MOST_PAGES):
            rows = self._database.rows("list_said_before", chat_jid=chat_jid, sent_at=sent_at, seq=seq, limit=_PAGE)
            found += [message_of(row) for row in rows if wanted in row["content"].casefold()]
            if len(rows) < _PAGE or len(found) >= limit:
                break
            sent_at, seq = rows[-1]["sent_at"], rows[-1]["seq"]
        return found[:limit]
