"""What is asked of the store about what was said in a chat. The rules of `store/ports.py` hold here too."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from intercomd.domain.chat import ChatMessage
from intercomd.domain.ids import ChatJid


class History(Protocol):
    """The chat log as people remember it."""

    def search(self, chat_jid: ChatJid, text: str, before: datetime, limit: int) -> list[ChatMessage]:
        """What people and the assistant wrote earlier than `before` and that has `text` in it, whatever the case; an
        empty `text` is in all. The newest first; no more than 50,000 messages are looked through."""
        ...
