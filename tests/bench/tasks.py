"""Scheduled tasks on the real process: how late they begin, what they cost at rest, and what people notice of them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from random import Random

from intercomd.clock import SystemClock
from intercomd.domain.ids import ChatJid, Folder, TaskId
from intercomd.domain.instants import to_epoch_ms
from intercomd.domain.task_rules import TaskDraft, plan_task
from intercomd.store.opening import StoreSettings, open_store
from tests.bench.figures import Figure, percentile
from tests.bench.idle import cpu_seconds, pass_time
from tests.bench.stage import fill_sqlite
from tests.support.daemon import DaemonProcess

_START_S = 5.0
"""From the making of the tasks to the first fire time; the daemon is ready long before."""
_DUE_GROUPS = 8
_DUE_SECONDS_A_ROUND = 4
_AT_REST = 100_000
_REST_GROUPS = 1_000
_OBSERVED_S = 20.0
_RUSH = 10_000
_RUSH_SLOTS = 5
_TEXTS = 120
_PAUSE_S = 0.25
_SECOND = timedelta(seconds=1)
_DAY = timedelta(days=1)


def measure_due(home: Path, rounds: int) -> Iterator[Figure]:
    """Tasks of every second, one after the other, with a slot for each."""
    database = _seeded(home / "due", _DUE_GROUPS)
    _plan(database, _DUE_GROUPS, _DUE_GROUPS, every=_SECOND, apart=_SECOND / _DUE_GROUPS)
    with _daemon(home / "due", _DUE_GROUPS + 1):
        pass_time(_START_S + rounds * _DUE_SECONDS_A_ROUND)
    late = _ask(database, "SELECT opened_at - fire_at FROM runs WHERE task_id IS NOT NULL")
    yield Figure("due → run opened, a slot free, p50", percentile(late, 50), "ms")
    yield Figure("due → run opened, a slot free, p99", percentile(late, 99), "ms", 100)


def measure_resting_tasks(home: Path, _rounds: int) -> Iterator[Figure]:
    """100,000 active tasks of which none is due."""
    database = _seeded(home / "resting", _REST_GROUPS)
    _plan(database, _AT_REST, _REST_GROUPS, every=_DAY, first_in=_DAY)
    with _daemon(home / "resting", _RUSH_SLOTS) as daemon:
        pass_time(_START_S)
        before = cpu_seconds(daemon.pid)
        pass_time(_OBSERVED_S)
        share = 100 * (cpu_seconds(daemon.pid) - before) / _OBSERVED_S
    yield Figure("100,000 active tasks at rest: CPU", share, "% of a core", 1)


def measure_rush(home: Path, _rounds: int) -> Iterator[Figure]:
    """10,000 tasks due at one minute, one a group, while people write in groups whose task is not running."""
    database = _seeded(home / "rush", _RUSH)
    _plan(database, _RUSH, _RUSH, every=_DAY)
    with _daemon(home / "rush", _RUSH_SLOTS) as daemon:
        pass_time(_START_S)
        for number in Random(1).sample(range(_RUSH), _TEXTS):
            daemon.client.say(f"g{number}", "hello")
            pass_time(_PAUSE_S)
    waits = _ask(
        database,
        "SELECT MIN(r.opened_at) - m.stored_at FROM chat_messages m JOIN runs r ON r.chat_jid = m.chat_jid"
        " WHERE m.kind = 'request' AND r.task_id IS NULL GROUP BY m.chat_jid",
    )
    (claimed_ms,) = _ask(database, "SELECT MAX(claimed_at) - MIN(fire_at) FROM task_fires")
    name = "10,000 tasks due at one minute"
    yield Figure(f"{name}: request → run opened, p95", percentile(waits, 95), "ms", 1_000)
    yield Figure(f"{name}: requests that had their run", 100 * len(waits) / _TEXTS, "%", 98, is_floor=True)
    yield Figure(f"{name}: due → the last one claimed", claimed_ms / 1e3, "s")


def _seeded(home: Path, groups: int) -> Path:
    """The database of a home with groups."""
    database = home / "data/intercom.db"
    database.parent.mkdir(parents=True)
    fill_sqlite(database, groups, messages=0)
    return database


def _plan(
    database: Path,
    tasks: int,
    groups: int,
    *,
    every: timedelta,
    apart: timedelta = timedelta(0),
    first_in: timedelta = timedelta(seconds=_START_S),
) -> None:
    """Tasks spread over the groups, each `apart` from the one before: one by the store, the others as its copies."""
    every_ms = every // timedelta(milliseconds=1)
    now = SystemClock().now()
    store = open_store(StoreSettings(assistant_name="Bench", main_folder="main", sqlite_path=database))
    with closing(store):
        draft = TaskDraft(
            folder=Folder("g0"), prompt="hello", schedule_type="interval", schedule_value=str(every_ms)
        )
        store.tasks.add(plan_task(draft, TaskId("t"), ChatJid("local:g0"), "UTC", now), "bench", now)
    connection = sqlite3.connect(database)
    with closing(connection), connection:
        columns = [row[1] for row in connection.execute("PRAGMA table_info(scheduled_tasks)")]
        changed = {
            "id": "'t' || i",
            "group_folder": "'g' || (i % :groups)",
            "chat_jid": "'local:g' || (i % :groups)",
            "number": "i + 2",
            "next_run": ":first + i * :apart",
            "anchor_at": ":first + i * :apart - :every",
        }
        connection.execute(
            f"WITH RECURSIVE counted(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM counted WHERE i + 1 < :tasks)"
            f" INSERT INTO scheduled_tasks ({', '.join(columns)})"
            f" SELECT {', '.join(changed.get(column, column) for column in columns)}"
            f" FROM scheduled_tasks, counted WHERE id = 't'",
            {
                "tasks": tasks,
                "groups": groups,
                "first": to_epoch_ms(now + first_in),
                "apart": apart // timedelta(milliseconds=1),
                "every": every_ms,
            },
        )
        connection.execute("DELETE FROM scheduled_tasks WHERE id = 't'")


def _daemon(home: Path, slots: int) -> DaemonProcess:
    orchestrator = {"enabled": True, "max_concurrent_containers": slots}
    return DaemonProcess(
        home, {"log": {"level": "info"}, "orchestrator": orchestrator, "scheduler": {"enabled": True}}
    )


def _ask(database: Path, query: str) -> list[float]:
    """The first column of what a stopped daemon left behind."""
    with closing(sqlite3.connect(database)) as connection:
        return [float(row[0]) for row in connection.execute(query)]
