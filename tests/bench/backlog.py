"""What dispatching costs when much waits: a hundred times the messages must not make one dispatch dearer."""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from statistics import median

from intercomd.clock import SystemClock
from intercomd.daemon.process import own_holder
from intercomd.domain.ids import ChatJid, Folder, InputId, RunId
from intercomd.domain.leases import DISPATCH, Fence
from intercomd.domain.runs import Outcome
from intercomd.store.named_queries import load_queries
from intercomd.store.opening import StoreSettings, open_store
from intercomd.store.ports import InputLimits, RetryPolicy, Store
from tests.bench.figures import Figure
from tests.bench.stage import register, write_to_all

_GROUPS = 1000
_SAMPLES = 100
_ASKED = ("list_ready", "find_ready", "lock_group", "find_live_run", "list_prompt_messages")


@dataclass(frozen=True)
class _Cost:
    """Milliseconds of the steps of a dispatch."""

    find_ms: float
    open_ms: float


def measure_backlog(home: Path, _rounds: int) -> Iterator[Figure]:
    """1,000 messages in 1,000 groups beside 100,000 in as many; what is opened is a run of one message."""
    few = _measure(home / "few.db", 1)
    many = _measure(home / "many.db", 100)
    for step, cost, least in (
        ("find the next group", many.find_ms, few.find_ms),
        ("open a run", many.open_ms, few.open_ms),
    ):
        yield Figure(f"backlog of 100,000: {step}", cost, "ms", 1.5 * least, False, least, "backlog of 1,000")
    yield Figure("backlog: queries of a dispatch that scan a table", len(find_scans(home / "many.db")), "", 0)


def find_scans(path: Path) -> list[str]:
    """The queries of a dispatch for which SQLite walks a table from end to end."""
    connection = sqlite3.connect(path)
    try:
        return [name for name in _ASKED if _is_scan(connection, load_queries()[name].sql)]
    finally:
        connection.close()


def _is_scan(connection: sqlite3.Connection, sql: str) -> bool:
    names = set(re.findall(r":(\w+)", sql))
    plan = connection.execute(f"EXPLAIN QUERY PLAN {sql}", dict.fromkeys(names, 1)).fetchall()
    return any(step[3].startswith("SCAN") and "USING INDEX" not in step[3] for step in plan)


def _measure(path: Path, messages: int) -> _Cost:
    store = open_store(StoreSettings(assistant_name="Bench", main_folder="main", sqlite_path=path))
    try:
        register(store, _GROUPS)
        write_to_all(store, _GROUPS, messages)
        epoch = store.leases.take(DISPATCH, None, own_holder())
        assert epoch is not None
        fence = Fence(DISPATCH, epoch)
        for number in range(_SAMPLES):
            _settle(store, fence, number)
        write_to_all(store, _SAMPLES)
        numbers = range(_SAMPLES)
        find = [_ms(partial(store.groups.find_ready, ChatJid(f"local:g{number}"), _now())) for number in numbers]
        opened = [_ms(partial(_open, store, fence, number, "measured")) for number in numbers]
        return _Cost(median(find), median(opened))
    finally:
        store.close()


def _settle(store: Store, fence: Fence, number: int) -> None:
    """The group's backlog is answered; the others' stays."""
    run_id = _open(store, fence, number, "first")
    store.runs.end_run(run_id, Outcome.STOPPED, None, RetryPolicy(), _now())


def _open(store: Store, fence: Fence, number: int, name: str) -> RunId:
    run_id = RunId(f"r-{number}-{name}")
    opened = store.runs.open_run(fence, Folder(f"g{number}"), run_id, InputId("i-1"), InputLimits(), _now())
    assert opened is not None
    return run_id


def _now() -> datetime:
    return SystemClock().now()


def _ms(work: Callable[[], object]) -> float:
    began = time.monotonic()
    work()
    return (time.monotonic() - began) * 1e3
