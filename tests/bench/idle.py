"""What a daemon costs that has nothing to do, and one that has more to do than slots; measured on the real process."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from threading import Event

from tests.bench.figures import Figure, percentile
from tests.bench.stage import fill_sqlite
from tests.support.daemon import DaemonProcess

_RSS_TARGETS = {1_000: 80.0, 10_000: 120.0}
_OBSERVED_S = 10.0
_SETTLED_S = 3.0
_WAITING_GROUPS = 10_000
_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


def measure_idle(home: Path, rounds: int) -> Iterator[Figure]:
    """Memory and CPU with registered groups, and the time from start to ready."""
    for groups, target in _RSS_TARGETS.items():
        with _daemon(_seeded(home / f"idle-{groups}", groups, messages=0)) as daemon:
            pass_time(_SETTLED_S)
            before = cpu_seconds(daemon.pid)
            pass_time(_OBSERVED_S)
            share = 100 * (cpu_seconds(daemon.pid) - before) / _OBSERVED_S
            memory = status_of(daemon.pid, "VmRSS") / 1024
            yield Figure(f"idle, {groups:,} groups: resident memory", memory, "MB", target)
            yield Figure(f"idle, {groups:,} groups: CPU", share, "% of a core", 0.5)
    took = []
    with _daemon(home / f"idle-{max(_RSS_TARGETS)}") as daemon:
        for _ in range(rounds):
            daemon.terminate()
            began = time.monotonic()
            daemon.launch()
            daemon.wait_for_log("daemon.ready")
            took.append(time.monotonic() - began)
    yield Figure("start to ready, 10,000 groups", median(took), "s", 0.8)
    yield Figure("start to ready, worst of the rounds", percentile(took, 100), "s")


def measure_waiting(home: Path, _rounds: int) -> Iterator[Figure]:
    """10,000 groups with a request and three slots whose agents take their time."""
    folder = _seeded(home / "waiting", _WAITING_GROUPS, messages=1)
    with _daemon(folder) as daemon:
        daemon.wait_for_log("run.ended", count=20)
        yield Figure("10,000 groups waiting: threads", status_of(daemon.pid, "Threads"), "", 60)
        yield Figure("10,000 groups waiting: resident memory", status_of(daemon.pid, "VmRSS") / 1024, "MB")


def _daemon(home: Path) -> DaemonProcess:
    return DaemonProcess(home, {"log": {"level": "info"}})


def _seeded(home: Path, groups: int, messages: int) -> Path:
    """A home whose store holds groups."""
    (home / "data").mkdir(parents=True)
    fill_sqlite(home / "data/intercom.db", groups, messages)
    return home


def pass_time(seconds: float) -> None:
    Event().wait(seconds)


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_A_SECOND


def status_of(pid: int, key: str) -> float:
    """A number of /proc/<pid>/status; sizes there are in KiB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return float(next(line.split()[1] for line in lines if line.startswith(f"{key}:")))
