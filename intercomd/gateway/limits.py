"""How much one run may ask for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from threading import Lock

from intercomd.clock import Clock


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one run, but for the deadlines, which are of one request, and `daily_tokens`, which are of a group.

    `body_bytes` is above the 32 MB that Anthropic's API takes. `first_byte` is long because a model may think long
    before it says anything; `silence` is the longest gap in a stream (providers send a ping every few seconds).
    """

    body_bytes: int = 33 * 1024 * 1024
    connections: int = 8
    requests_per_minute: int = 120
    daily_tokens: int | None = None
    receive: timedelta = timedelta(seconds=60)
    first_byte: timedelta = timedelta(minutes=10)
    silence: timedelta = timedelta(minutes=5)
    deliver: timedelta = timedelta(seconds=60)


class RequestRate:
    """A bucket that holds one minute's requests and fills evenly."""

    def __init__(self, per_minute: int, clock: Clock) -> None:
        self._per_minute = per_minute
        self._clock = clock
        self._guard = Lock()
        self._left = float(per_minute)
        self._filled_at = clock.monotonic()

    def take(self) -> timedelta | None:
        """None when a request may pass now, and is counted; else how long to wait."""
        with self._guard:
            now = self._clock.monotonic()
            per_second = self._per_minute / 60
            self._left = min(float(self._per_minute), self._left + (now - self._filled_at) * per_second)
            self._filled_at = now
            if self._left < 1:
                return timedelta(seconds=(1 - self._left) / per_second)
            self._left -= 1
            return None
