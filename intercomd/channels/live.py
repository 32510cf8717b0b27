"""What is being written in each chat at this moment, and the place where readers wait for news of a chat."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from intercomd.domain.ids import ChatJid


@dataclass(frozen=True, slots=True)
class Live:
    """A chat as the board sees it: `news` rises with every stored text and every change of the live text,
    `version` only with the latter. `text` is empty and `tool` None when nothing is being written."""

    news: int = 0
    version: int = 0
    text: str = ""
    tool: str | None = None

    @property
    def is_shown(self) -> bool:
        return bool(self.text or self.tool)


_NOTHING = Live()


class LiveBoard:
    """Shared by the threads of the API and the local sender; kept in memory only."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._chats: dict[ChatJid, Live] = {}
        self._is_released = False

    def look(self, chat_jid: ChatJid) -> Live:
        with self._changed:
            return self._chats.get(chat_jid, _NOTHING)

    def show(self, chat_jid: ChatJid, text: str, tool: str | None) -> None:
        """Replace the live text; an empty one without a tool takes it away."""
        with self._changed:
            seen = self._chats.get(chat_jid, _NOTHING)
            if (seen.text, seen.tool) != (text, tool):
                self._chats[chat_jid] = Live(seen.news + 1, seen.version + 1, text, tool)
                self._changed.notify_all()

    def announce(self, chat_jid: ChatJid) -> None:
        """A text of this chat was stored."""
        with self._changed:
            seen = self._chats.get(chat_jid, _NOTHING)
            self._chats[chat_jid] = Live(seen.news + 1, seen.version, seen.text, seen.tool)
            self._changed.notify_all()

    def wait(self, chat_jid: ChatJid, news: int, timeout_seconds: float) -> bool:
        """Until the chat's `news` differs from the one given, at most the time-out; False once released."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._is_released or self._chats.get(chat_jid, _NOTHING).news != news, timeout_seconds
            )
            return not self._is_released

    def release(self) -> None:
        """Nobody waits here any more, now and later (the API is about to stop)."""
        with self._changed:
            self._is_released = True
            self._changed.notify_all()
