"""What dispatching costs when much waits: a hundred times the messages must not make one dispatch dearer."""

from __future__ import annotations

import os
import re
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
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
from tests.bench.stage import fill_sqlite, write_to_all

_GROUPS = 1000
_SAMPLES = 100
_NOISE = 1.5
"""Two equal costs differ by less."""
_ASKED = ("list_ready", "find_ready", "lock_group", "find_live_run", "list_prompt_messages")


def measure_backlog(home: Path, _rounds: int) -> Iterator[Figure]:
    """1,000 messages in 1,000 groups beside 100,000 in as many, in turn; what is opened is a run of one message."""
    with ExitStack() as stack:
        stores = [stack.enter_context(closing(_prepared(home / f"{each}.db", each))) for each in (1, 100)]
        fences = [_own(store) for store in stores]
        for store, fence in zip(stores, fences, strict=True):
            _answer_some(store, fence)
        os.sync()
        find: list[list[float]] = [[], []]
        opened: list[list[float]] = [[], []]
        for number in range(_SAMPLES):
            for which, (store, fence) in enumerate(zip(stores, fences, strict=True)):
                find[which].append(_ms(partial(store.groups.find_ready, ChatJid(f"local:g{number}"), _now())))
                opened[which].append(_ms(partial(_open, store, fence, number, "measured")))
    for step, took in (("find the next group", find), ("open a run", opened)):
        few, many = map(median, took)
        yield Figure(f"backlog of 100,000: {step}", many, "ms", _NOISE * few, False, few, "backlog of 1,000")
    yield Figure("backlog: queries of a dispatch that scan a table", len(find_scans(home / "100.db")), "", 0)


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


def _prepared(path: Path, messages: int) -> Store:
    fill_sqlite(path, _GROUPS, messages)
    return open_store(StoreSettings(assistant_name="Bench", main_folder="main", sqlite_path=path))


def _own(store: Store) -> Fence:
    epoch = store.leases.take(DISPATCH, None, own_holder())
    assert epoch is not None
    return Fence(DISPATCH, epoch)


def _answer_some(store: Store, fence: Fence) -> None:
    """Some groups' backlogs are settled, and one new message waits in each of them; the others' backlogs stay."""
    for number in range(_SAMPLES):
        run_id = _open(store, fence, number, "first")
        store.runs.end_run(run_id, Outcome.STOPPED, None, RetryPolicy(), _now())
    write_to_all(store, _SAMPLES)


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
