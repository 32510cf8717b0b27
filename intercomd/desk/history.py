"""What was said in a group's own chat, for its agent."""

from __future__ import annotations

from datetime import datetime

from intercomd.clock import Clock
from intercomd.domain.chat import ChatMessage
from intercomd.domain.ids import Folder
from intercomd.errors import InvalidInput
from intercomd.store.ports import Store

DEFAULT_LIMIT = 20
MOST_FOUND = 100


class HistoryDesk:
    """May raise `StoreUnavailable`. A search reads thousands of rows, so it is no work for an actor."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def search(self, folder: Folder, text: str, before: datetime | None, limit: int) -> list[ChatMessage]:
        """The newest first, of the chat that `folder` is registered for; raises `InvalidInput`, `NotFound`."""
        if not 1 <= limit <= MOST_FOUND:
            raise InvalidInput("limit", f"{limit} is not from 1 to {MOST_FOUND}")
        chat_jid = self._store.groups.get(folder).group.jid
        return self._store.history.search(chat_jid, text, before or self._clock.now(), limit)
