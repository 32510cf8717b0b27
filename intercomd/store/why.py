"""What belongs to one message: its events, its runs, their texts."""

from __future__ import annotations

from datetime import datetime

from intercomd.domain.ids import ChatJid, Folder, OutboxId, Seq
from intercomd.domain.instants import to_epoch_ms
from intercomd.domain.outbox import OutboxRow
from intercomd.errors import NotFound
from intercomd.store.engine import Database, Row
from intercomd.store.rows import event_of, message_of, outbox_row_of, run_of
from intercomd.store.why_ports import MessageChain, RunOfMessage

_RUNS = 10
_PER_RUN = 100
_ANY_SEQ = 2**62


class ChainsOfTables:
    """The `Chains` port."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of_message(self, chat_jid: ChatJid, seq: Seq) -> MessageChain:
        row = self._database.row("find_message", chat_jid=chat_jid, seq=seq)
        if row is None:
            raise NotFound(f"chat {chat_jid} has no message {seq}")
        events = self._database.rows("list_events_of_message", chat_jid=chat_jid, seq=seq, limit=_PER_RUN)
        runs = self._database.rows("list_runs_of_message", chat_jid=chat_jid, seq=seq, limit=_RUNS)
        return MessageChain(
            message_of(row),
            [event_of(event) for event in events],
            [self._run_of_message(run) for run in reversed(runs)],
        )

    def find_newest_of_people(self, chat_jid: ChatJid, before: Seq | None) -> Seq | None:
        row = self._database.row("find_newest_of_people", chat_jid=chat_jid, before=before or _ANY_SEQ)
        return None if row is None else Seq(row["seq"])

    def find_text(self, outbox_id: OutboxId) -> OutboxRow | None:
        row = self._database.row("find_whole_text", outbox_id=outbox_id)
        return None if row is None else outbox_row_of(row, row["channel"])

    def count_runs_between(self, after: datetime, before: datetime, folder: Folder) -> int:
        return self._count(
            "count_runs_between", after=to_epoch_ms(after), before=to_epoch_ms(before), folder=folder
        )

    def count_waiting_before(self, since: datetime, now: datetime) -> int:
        return self._count("count_waiting_before", since=to_epoch_ms(since), now=to_epoch_ms(now))

    def count_fires_waiting_before(self, since: datetime, now: datetime) -> int:
        return self._count("count_fires_waiting_before", since=to_epoch_ms(since), now=to_epoch_ms(now))

    def _run_of_message(self, row: Row) -> RunOfMessage:
        run_id = row["run_id"]
        events = self._database.rows("list_events_of_run", run_id=run_id, limit=_PER_RUN)
        texts = self._database.rows("list_texts_of_run", run_id=run_id, limit=_PER_RUN)
        return RunOfMessage(
            run_of(row),
            bool(row["is_given"]),
            [event_of(event) for event in events],
            [outbox_row_of(text, text["channel"]) for text in texts],
        )

    def _count(self, query: str, **values: str | int) -> int:
        row = self._database.row(query, **values)
        assert row is not None
        return int(row["count"])
