"""Texts on their way to people: one row per part, in order per chat, each sent once.

`pending → sending → sent | failed | unknown`. Rows are locked before the chat they are logged in; nobody who holds
a chat waits for a row that exists, so this cannot make a circle.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import datetime

from intercomd.domain.chat import MessageKind
from intercomd.domain.events import EventCode
from intercomd.domain.ids import ChatJid, OutboxId, Seq
from intercomd.domain.instants import to_epoch_ms
from intercomd.domain.leases import Fence
from intercomd.domain.outbox import LONGEST_WAIT, NewText, OutboxRow, RelayRequest, TextKind
from intercomd.domain.routing import channel_of
from intercomd.domain.text import clean
from intercomd.errors import NotFound, StoreUnavailable
from intercomd.store.engine import Database, Row, Transaction
from intercomd.store.events import record_event
from intercomd.store.fencing import check_fence
from intercomd.store.rows import instant_or_none, outbox_row_of


class OutboxRows:
    """The `OutboxTable` port."""

    def __init__(self, database: Database, *, assistant_name: str) -> None:
        self._database = database
        self._assistant_name = assistant_name

    def enqueue(self, texts: Sequence[NewText], *, handled: tuple[ChatJid, Seq] | None, now: datetime) -> None:
        def work(transaction: Transaction) -> None:
            new = [text for text in texts if transaction.row("find_text", outbox_id=text.outbox_id) is None]
            add_texts(transaction, new, now)
            mark_handled(transaction, handled, now)

        self._database.write(work)

    def relay(
        self, request: RelayRequest, repeats_since: datetime, is_late: Callable[[], bool], now: datetime
    ) -> tuple[OutboxId, ...]:
        def work(transaction: Transaction) -> tuple[OutboxId, ...]:
            _lock_relay_chat(transaction, request.chat_jid)
            if is_late():
                raise StoreUnavailable(f"the texts for {request.chat_jid} waited too long to be stored")
            return _relay(transaction, request, repeats_since, now)

        return self._database.write(work)

    def expire(self, created_before: datetime, now: datetime) -> int:
        def work(transaction: Transaction) -> int:
            rows = transaction.rows("expire_texts", created_before=to_epoch_ms(created_before))
            for row in rows:
                _record_text_event(transaction, EventCode.TEXT_EXPIRED, row["outbox_id"], row, now)
            return len(rows)

        return self._database.write(work)

    def claim(self, fence: Fence, channel: str, now: datetime, limit: int) -> list[OutboxRow]:
        def work(transaction: Transaction) -> list[OutboxRow]:
            check_fence(transaction, fence)
            rows = transaction.rows(
                "claim_texts",
                channel=channel,
                epoch=fence.epoch,
                now=to_epoch_ms(now),
                latest=to_epoch_ms(now + LONGEST_WAIT),
                limit=limit,
            )
            return [outbox_row_of(row, channel) for row in rows]

        return sorted(self._database.write(work), key=lambda row: (row.created_at, row.position))

    def record_sent(self, sent: Sequence[tuple[OutboxId, tuple[str, ...]]], now: datetime) -> None:
        def work(transaction: Transaction) -> None:
            for outbox_id, channel_ids in sent:
                self._record_sent(transaction, outbox_id, channel_ids, now)

        self._database.write(work)

    def record_failed(self, claimed: OutboxRow, error: str, now: datetime) -> None:
        def work(transaction: Transaction) -> None:
            row = transaction.row(
                "mark_failed", outbox_id=claimed.outbox_id, epoch=claimed.epoch, error=clean(error)
            )
            if row is not None:
                _record_text_event(transaction, EventCode.TEXT_FAILED, claimed.outbox_id, row, now)

        self._database.write(work)

    def postpone(self, claimed: OutboxRow, not_before: datetime, error: str, now: datetime) -> None:
        def work(transaction: Transaction) -> None:
            row = transaction.row(
                "postpone_text",
                outbox_id=claimed.outbox_id,
                epoch=claimed.epoch,
                not_before=to_epoch_ms(not_before),
                error=clean(error),
            )
            if row is not None:
                _record_text_event(transaction, EventCode.TEXT_POSTPONED, claimed.outbox_id, row, now)

        self._database.write(work)

    def record_unknown(self, claimed: OutboxRow, error: str, *, resends: bool, now: datetime) -> None:
        self._database.write(
            lambda transaction: _record_unknown(transaction, claimed, error, resends=resends, now=now)
        )

    def rescue(self, fence: Fence, channel: str, *, is_idempotent: bool, resends: bool, now: datetime) -> int:
        error = "its sender went away while sending"

        def work(transaction: Transaction) -> int:
            check_fence(transaction, fence)
            stranded = transaction.rows("list_stranded_texts", channel=channel, epoch=fence.epoch)
            for row in stranded:
                claimed = outbox_row_of(row, channel)
                if is_idempotent:
                    _release(transaction, claimed, error, now)
                else:
                    _record_unknown(transaction, claimed, error, resends=resends, now=now)
            return len(stranded)

        return self._database.write(work)

    def list_sending(self, channel: str) -> list[OutboxRow]:
        return [outbox_row_of(row, channel) for row in self._database.rows("list_sending_texts", channel=channel)]

    def list_recent(self, chat_jid: ChatJid | None, limit: int) -> list[OutboxRow]:
        if chat_jid is None:
            rows = self._database.rows("list_recent_texts", limit=limit)
        else:
            rows = self._database.rows("list_recent_texts_of_chat", chat_jid=chat_jid, limit=limit)
        return [outbox_row_of(row, row["channel"]) for row in rows]

    def is_known(self, outbox_id: OutboxId) -> bool:
        return bool(self._database.rows("find_text", outbox_id=outbox_id))

    def list_waiting_files(self) -> frozenset[OutboxId]:
        return frozenset(row["outbox_id"] for row in self._database.rows("list_waiting_files"))

    def count_waiting(self) -> int:
        (row,) = self._database.rows("count_waiting_texts")
        return int(row["count"])

    def next_due_at(self, now: datetime) -> datetime | None:
        (row,) = self._database.rows("next_due_at", now=to_epoch_ms(now))
        return instant_or_none(row["instant"])

    def _record_sent(
        self, transaction: Transaction, outbox_id: OutboxId, channel_ids: tuple[str, ...], now: datetime
    ) -> None:
        row = transaction.row("mark_sent", outbox_id=outbox_id, channel_ids=json.dumps(channel_ids))
        if row is None:
            return
        drawn = transaction.row("draw_bot_seq", chat_jid=row["chat_jid"], now=to_epoch_ms(now))
        assert drawn is not None
        transaction.run(
            "add_message",
            chat_jid=row["chat_jid"],
            seq=drawn["last_seq"],
            external_id=f"outbox:{outbox_id}",
            sender=self._assistant_name,
            sender_name=self._assistant_name,
            content=row["content"],
            sent_at=to_epoch_ms(now),
            stored_at=to_epoch_ms(now),
            kind=MessageKind.BOT.value,
            is_from_me=1,
        )
        _record_text_event(transaction, EventCode.TEXT_SENT, outbox_id, row, now)


def add_texts(transaction: Transaction, texts: Sequence[NewText], now: datetime) -> None:
    """Put new texts behind those of their chats; raises `NotFound` for a chat that nobody has written in."""
    for text in texts:
        drawn = transaction.row("draw_positions", chat_jid=text.chat_jid, count=1)
        if drawn is None:
            raise NotFound(f"chat {text.chat_jid} is not known")
        transaction.run(
            "add_text",
            outbox_id=text.outbox_id,
            chat_jid=text.chat_jid,
            position=drawn["last_position"],
            kind=text.kind.value,
            content=clean(text.text),
            run_id=text.run_id,
            buttons=json.dumps([[clean(button.label), button.data] for button in text.buttons]),
            attachment=None if text.attachment is None else json.dumps(asdict(text.attachment)),
            now=to_epoch_ms(now),
        )


def _lock_relay_chat(transaction: Transaction, chat_jid: ChatJid) -> None:
    """Two equal requests see each other; a chat that nobody has written in is made."""
    transaction.run("add_empty_chat", chat_jid=chat_jid, name=chat_jid, channel=channel_of(chat_jid))
    transaction.row("lock_chat", chat_jid=chat_jid)


def _relay(
    transaction: Transaction, request: RelayRequest, repeats_since: datetime, now: datetime
) -> tuple[OutboxId, ...]:
    jid = request.chat_jid
    own_ids = request.ids_of(request.nonce)
    if transaction.row("find_text", outbox_id=own_ids[0]) is not None:
        return own_ids
    for row in transaction.rows("list_unfinished_texts", chat_jid=jid, since=to_epoch_ms(repeats_since)):
        if row["outbox_id"].startswith(request.prefix):
            nonce, _, _ = row["outbox_id"].removeprefix(request.prefix).partition(":")
            return request.ids_of(nonce)
    texts = zip(own_ids, request.parts, strict=True)
    add_texts(transaction, [NewText(outbox_id, jid, TextKind.RELAY, part) for outbox_id, part in texts], now)
    return own_ids


def mark_handled(transaction: Transaction, handled: tuple[ChatJid, Seq] | None, now: datetime) -> None:
    """The command message got its answer."""
    if handled is not None:
        chat_jid, seq = handled
        transaction.run("mark_handled", chat_jid=chat_jid, seq=seq, now=to_epoch_ms(now))


def _release(transaction: Transaction, claimed: OutboxRow, error: str, now: datetime) -> None:
    row = transaction.row(
        "postpone_text", outbox_id=claimed.outbox_id, epoch=claimed.epoch, not_before=0, error=error
    )
    if row is not None:
        _record_text_event(transaction, EventCode.TEXT_RESENT, claimed.outbox_id, row, now)


def _record_unknown(transaction: Transaction, claimed: OutboxRow, error: str, *, resends: bool, now: datetime) -> None:
    row = transaction.row(
        "mark_unknown", outbox_id=claimed.outbox_id, epoch=claimed.epoch, resends=int(resends), error=clean(error)
    )
    if row is not None:
        code = EventCode.TEXT_RESENT if row["state"] == "pending" else EventCode.TEXT_UNKNOWN
        _record_text_event(transaction, code, claimed.outbox_id, row, now)


def _record_text_event(transaction: Transaction, code: EventCode, outbox_id: OutboxId, row: Row, now: datetime) -> None:
    record_event(transaction, code, now, chat_jid=row["chat_jid"], run_id=row["run_id"], detail=outbox_id)
