"""A lock that is handed over in the order in which it was asked for, so that no writer starves."""

from __future__ import annotations

from collections import deque
from threading import Event, Lock


class FairLock:
    """First come, first served; `threading.Lock` promises no order."""

    def __init__(self) -> None:
        self._guard = Lock()
        self._is_held = False
        self._turns: deque[Event] = deque()

    def acquire(self, timeout_seconds: float) -> bool:
        """True when the caller holds the lock; False when its turn did not come in time."""
        with self._guard:
            if not self._is_held:
                self._is_held = True
                return True
            turn = Event()
            self._turns.append(turn)
        if turn.wait(timeout_seconds):
            return True
        with self._guard:
            if turn.is_set():
                return True
            self._turns.remove(turn)
            return False

    def release(self) -> None:
        """Hand the lock to the one who has waited longest, or free it."""
        with self._guard:
            if self._turns:
                self._turns.popleft().set()
            else:
                self._is_held = False
