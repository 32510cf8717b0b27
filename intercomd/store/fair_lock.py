"""A lock that is handed over in the order in which it was asked for, so that no writer starves."""

from __future__ import annotations

from collections import deque
from threading import Lock


class FairLock:
    """First come, first served; `threading.Lock` promises no order.

    Each waiter blocks on a lock of its own, which costs a fraction of a `threading.Event`.
    """

    def __init__(self) -> None:
        self._guard = Lock()
        self._is_held = False
        self._turns: deque[Lock] = deque()

    def acquire(self, timeout_seconds: float) -> bool:
        """True when the caller holds the lock; False when its turn did not come in time."""
        with self._guard:
            if not self._is_held:
                self._is_held = True
                return True
            turn = Lock()
            turn.acquire()
            self._turns.append(turn)
        if turn.acquire(timeout=timeout_seconds):
            return True
        with self._guard:
            if turn not in self._turns:
                return True
            self._turns.remove(turn)
            return False

    def release(self) -> None:
        """Hand the lock to the one who has waited longest, or free it."""
        with self._guard:
            if self._turns:
                self._turns.popleft().release()
            else:
                self._is_held = False
