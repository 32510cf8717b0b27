"""What the machine is and how fast its disk makes a write last."""

from __future__ import annotations

import os
import platform
import sqlite3
import time
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

_SYNCS = 200
_BLOCK = b"x" * 4096


def describe_machine(home: Path) -> dict[str, str]:
    """Facts for the head of the table; `home` is on the disk that is measured."""
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "cpu": f"{os.cpu_count()} x {_cpu_name()}",
        "load before": f"{os.getloadavg()[0]:.2f}",
        "fdatasync of 4 KiB": f"{_sync_ms(home):.2f} ms (median of {_SYNCS})",
        "python": f"{platform.python_version()}, SQLite {sqlite3.sqlite_version}, Linux {platform.release()}",
    }


def _cpu_name() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.machine())


def _sync_ms(home: Path) -> float:
    took = []
    path = home / "sync"
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY, 0o600)
    try:
        for _ in range(_SYNCS):
            os.write(descriptor, _BLOCK)
            began = time.monotonic()
            os.fdatasync(descriptor)
            took.append((time.monotonic() - began) * 1e3)
    finally:
        os.close(descriptor)
        path.unlink()
    return median(took)
