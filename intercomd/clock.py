"""Time as a port: wall-clock instants for people and rows, monotonic seconds for durations."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


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
        return from_epoch_ms(time.time_ns() // 1_000_000)

    def monotonic(self) -> float:
        return time.monotonic()


def to_epoch_ms(instant: datetime) -> int:
    """Milliseconds since 1970 (UTC), truncated; the form in which the store keeps instants."""
    return (instant - EPOCH) // timedelta(milliseconds=1)


def from_epoch_ms(milliseconds: int) -> datetime:
    """The aware UTC datetime of a stored instant."""
    return EPOCH + timedelta(milliseconds=milliseconds)


def iso_ms(instant: datetime) -> str:
    """`YYYY-MM-DDTHH:MM:SS.mmmZ`: the wire form of an instant, always 24 characters, always UTC."""
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
