"""Time as a port: wall-clock instants for people and rows, monotonic seconds for durations."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What intercomd asks about time."""

    def now(self) -> datetime:
        """The wall clock as an aware UTC datetime, truncated to milliseconds."""
        ...

    def monotonic(self) -> float:
        """Seconds since an arbitrary point; never goes back, unaffected by wall-clock changes."""
        ...


class SystemClock:
    """The machine's own clocks."""

    def now(self) -> datetime:
        instant = datetime.now(UTC)
        return instant.replace(microsecond=instant.microsecond // 1000 * 1000)

    def monotonic(self) -> float:
        return time.monotonic()


def file_time_ns() -> int:
    """Now, by the clock that the kernel stamps files with; for comparing with such stamps and for nothing else."""
    return time.time_ns()
