"""Finds groups with a request that may be worked on now and tells the Dispatcher.

Owns:      nothing but its poll timer; losing it loses no message.
Never:     dispatches, counts slots, or moves a number in the store.
Talks to:  Dispatcher (hint), the store (one indexed query).
"""

from __future__ import annotations

from datetime import timedelta

from intercomd.clock import Clock
from intercomd.domain.chat import ReadyChat
from intercomd.domain.mailbox import ChatReady, ChatStored, Heartbeat, LineShort, Poll
from intercomd.store.ports import Groups
from intercomd.supervision.port import Address, Context

POLL_LIMIT = 1000
"""Rows of one poll; the Dispatcher asks for more when its line runs short."""


class MessageLoop:
    """See the module's text. The first poll, at start, is the recovery after a crash."""

    def __init__(
        self, groups: Groups, dispatcher: Address, poll_interval: timedelta, clock: Clock, context: Context
    ) -> None:
        self._groups = groups
        self._dispatcher = dispatcher
        self._poll_interval = poll_interval
        self._clock = clock
        self._context = context

    def on_start(self) -> None:
        self._context.timers.every(self._poll_interval, Poll())
        self._context.address.hint(Poll())

    def handle(self, item: object) -> object:
        match item:
            case ChatStored(chat_jid):
                ready = self._groups.find_ready(chat_jid, self._clock.now())
                if ready is not None:
                    self._tell(ready)
            case Poll() | LineShort():
                for ready in self._groups.list_ready(self._clock.now(), POLL_LIMIT):
                    self._tell(ready)
            case Heartbeat():
                return "ok"
            case _:
                raise TypeError(f"MessageLoop does not take {item!r}")
        return None

    def _tell(self, ready: ReadyChat) -> None:
        self._dispatcher.hint(ChatReady(ready.chat_jid, ready.folder, ready.waiting_since))
