"""Restart intensity: how many failures a supervisor tolerates within a window of time."""

from __future__ import annotations

from collections import deque
from datetime import timedelta


class Intensity:
    """Counts failures on the monotonic clock; one limit, one sliding window."""

    def __init__(self, limit: int, within: timedelta) -> None:
        self._limit = limit
        self._window_s = within.total_seconds()
        self._failures: deque[float] = deque()

    def record(self, now: float) -> int:
        """Count a failure at monotonic time `now`; returns how many the window holds."""
        self._failures.append(now)
        while self._failures[0] <= now - self._window_s:
            self._failures.popleft()
        return len(self._failures)

    @property
    def is_exceeded(self) -> bool:
        return len(self._failures) > self._limit

    def clear(self) -> None:
        self._failures.clear()
