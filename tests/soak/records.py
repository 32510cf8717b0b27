"""Everything the store recorded, read with the drivers themselves once the daemon is gone."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.postgres import PostgresServer

Fetch = Callable[[str], list[tuple[Any, ...]]]


@dataclass(frozen=True)
class Message:
    chat: str
    seq: int
    external_id: str
    text: str
    kind: str


@dataclass(frozen=True)
class Input:
    """What a run was handed: the messages after `after` up to `up_to`."""

    chat: str
    run_id: str
    after: int
    up_to: int
    settled_at: int | None


@dataclass(frozen=True)
class Text:
    """An outbox row."""

    outbox_id: str
    chat: str
    kind: str
    text: str
    state: str
    run_id: str | None


@dataclass(frozen=True)
class Records:
    """The store's rows, by what the ledger asks for."""

    messages: list[Message]
    inputs: list[Input]
    texts: list[Text]
    live_runs: list[str]
    settled_seqs: dict[str, int]
    silences: dict[str, int]
    """Declared silences by run."""
    cancelled_at: dict[str, set[int]]
    """When a chat's group was cancelled."""
    events: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    """By chat, in order, for people."""


def read_sqlite(path: Path) -> Records:
    with closing(sqlite3.connect(path)) as connection:
        return _read(lambda sql: [tuple(row) for row in connection.execute(sql)])


def read_postgres(server: PostgresServer, database: str) -> Records:
    return _read(lambda sql: [tuple(row) for row in server.run_sql(sql, database)])


def _read(fetch: Fetch) -> Records:
    silences = fetch("SELECT run_id, COUNT(*) FROM events WHERE code = 'run.silent' GROUP BY run_id")
    cancelled: dict[str, set[int]] = defaultdict(set)
    for chat, at in fetch("SELECT g.jid, c.cancelled_at FROM cancels c JOIN groups g ON g.folder = c.folder"):
        cancelled[chat].add(at)
    records = Records(
        messages=[
            Message(*row)
            for row in fetch(
                "SELECT chat_jid, seq, external_id, content, kind FROM chat_messages ORDER BY chat_jid, seq"
            )
        ],
        inputs=[
            Input(*row)
            for row in fetch(
                "SELECT r.chat_jid, i.run_id, i.after_seq, i.up_to_seq, i.settled_at FROM run_inputs i "
                "JOIN runs r ON r.run_id = i.run_id ORDER BY r.opened_at, r.run_id, i.up_to_seq"
            )
        ],
        texts=[
            Text(*row)
            for row in fetch("SELECT outbox_id, chat_jid, kind, content, state, run_id FROM outbox ORDER BY position")
        ],
        live_runs=[run_id for (run_id,) in fetch("SELECT run_id FROM runs WHERE outcome IS NULL")],
        settled_seqs=dict(fetch("SELECT jid, settled_seq FROM groups")),
        silences=dict(silences),
        cancelled_at=cancelled,
    )
    for chat, *words in fetch("SELECT chat_jid, at, code, run_id, seq, detail FROM events ORDER BY event_id"):
        records.events[str(chat)].append(" ".join("-" if word is None else str(word) for word in words))
    return records
