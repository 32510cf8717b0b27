"""Sends texts for callers of the API (`POST /v1/telegram/send`): stored first, delivered by the outbox, and answered
in time.

The host gives up after 5 s and then sends everything again itself (hazards B-41, B-95). So the answer comes within 4 s
and says what is sure: what was stored will be sent, whatever becomes of this request; what was not stored will not.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from intercomd.channels.live import LiveBoard
from intercomd.channels.port import Mailbox
from intercomd.channels.telegram.pieces import cut_pieces
from intercomd.clock import Clock
from intercomd.domain.ids import ChatJid, OutboxId
from intercomd.domain.mailbox import OutboxFilled
from intercomd.domain.outbox import OutboxRow, OutboxState, RelayRequest
from intercomd.errors import StoreUnavailable

ANSWER_WITHIN = timedelta(seconds=4)
_STORE_WITHIN = timedelta(seconds=3)
_REPEAT_WINDOW = timedelta(minutes=1)
"""How long an equal request counts as the same while that one is unfinished."""
_RECHECK_SECONDS = 0.2
_OTHERS = 100
"""More than this many other texts do not get into a chat while a caller waits."""
_WAITING = frozenset({OutboxState.PENDING, OutboxState.SENDING})


class RelayTable(Protocol):
    """The part of the outbox that is used here."""

    def relay(
        self, request: RelayRequest, repeats_since: datetime, is_late: Callable[[], bool], now: datetime
    ) -> tuple[OutboxId, ...]: ...

    def list_recent(self, chat_jid: ChatJid | None, limit: int) -> list[OutboxRow]: ...


@dataclass(frozen=True, slots=True)
class Relayed:
    """What became of a text so far: `message_ids` of the pieces that were sent; `error` when none was or will be."""

    pieces: tuple[str, ...]
    message_ids: tuple[str, ...]
    error: str | None


class TelegramRelay:
    """Safe to use from any thread; at most `waiters` callers wait for the end, the others get what there is."""

    def __init__(
        self,
        table: RelayTable,
        outbox: Mailbox,
        board: LiveBoard,
        new_id: Callable[[str], str],
        clock: Clock,
        *,
        waiters: int,
    ) -> None:
        self._table = table
        self._outbox = outbox
        self._board = board
        self._new_id = new_id
        self._clock = clock
        self._waiting = threading.BoundedSemaphore(waiters)

    def send(self, jid: ChatJid, text: str) -> Relayed:
        """Store and send a text that is not blank; raises `StoreUnavailable` when it was not stored, and will not be
        sent."""
        began = self._clock.monotonic()
        pieces = cut_pieces(text)
        digest = hashlib.sha256("\0".join(pieces).encode(errors="replace")).hexdigest()[:24]
        now = self._clock.now()
        ids = self._table.relay(
            RelayRequest(jid, pieces, digest, self._new_id("t")),
            now - _REPEAT_WINDOW,
            lambda: self._clock.monotonic() - began > _STORE_WITHIN.total_seconds(),
            now,
        )
        self._outbox.hint(OutboxFilled())
        rows = self._follow(jid, frozenset(ids), began + ANSWER_WITHIN.total_seconds())
        return Relayed(pieces, _sent_ids(rows), _failure(rows))

    def _follow(self, jid: ChatJid, ids: frozenset[OutboxId], deadline: float) -> list[OutboxRow]:
        """The rows as they are when all have ended, or at the deadline."""
        may_wait = self._waiting.acquire(blocking=False)
        rows: list[OutboxRow] = []
        try:
            while True:
                news = self._board.look(jid).news
                rows = [row for row in self._table.list_recent(jid, len(ids) + _OTHERS) if row.outbox_id in ids]
                remaining = deadline - self._clock.monotonic()
                is_over = not may_wait or remaining <= 0 or not _WAITING.intersection(row.state for row in rows)
                if is_over or not self._board.wait(jid, news, min(remaining, _RECHECK_SECONDS)):
                    return rows
        except StoreUnavailable:
            return rows  # it is stored, so the outbox goes on when the store is back
        finally:
            if may_wait:
                self._waiting.release()


def _sent_ids(rows: Sequence[OutboxRow]) -> tuple[str, ...]:
    in_order = sorted(rows, key=lambda row: row.position)
    return tuple(channel_id for row in in_order for channel_id in row.channel_ids)


def _failure(rows: Sequence[OutboxRow]) -> str | None:
    """The first error when every piece has failed for good; a piece in doubt may have arrived."""
    if not rows or any(row.state is not OutboxState.FAILED for row in rows):
        return None
    first = min(rows, key=lambda row: row.position)
    return first.error or "the text could not be delivered"
