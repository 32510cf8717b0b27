"""What providers asked us to wait: remembered, so that not every run has to be told.

A 429, 503 or 529 with `retry-after` closes the provider's door for that time, at most for a minute: afterwards one
request finds out again. Until then requests are answered here, as the provider would. An answer without `retry-after`
is passed on and closes nothing: the agent programs then wait by their own rules.
"""

from __future__ import annotations

from datetime import timedelta
from threading import Lock

from intercomd.clock import Clock

PAUSING = frozenset({429, 503, 529})
_LONGEST = timedelta(seconds=60)


class Pauses:
    """By the provider's address; for any thread."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._guard = Lock()
        self._until: dict[str, tuple[float, int]] = {}

    def note(self, where: str, status: int, retry_after: str | None) -> timedelta | None:
        """Remember the answer's wish; the pause it makes, None when it makes none. The header's other form, a date, is
        left to the agent program."""
        if status not in PAUSING or retry_after is None or not retry_after.strip().isdecimal():
            return None
        pause = min(timedelta(seconds=min(int(retry_after), 10**6)), _LONGEST)
        with self._guard:
            self._until[where] = (self._clock.monotonic() + pause.total_seconds(), status)
        return pause

    def find(self, where: str) -> tuple[int, timedelta] | None:
        """The status to answer with and the time that is left; None when the door is open."""
        with self._guard:
            until, status = self._until.get(where, (0.0, 0))
            left = until - self._clock.monotonic()
            return (status, timedelta(seconds=left)) if status and left > 0 else None
