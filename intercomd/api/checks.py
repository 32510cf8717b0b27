"""Evidence for readiness: questions asked in threads of their own, so that nobody waits longer than they want.

An answer that comes too late is kept for the next one who asks. A question that hangs is not asked again until it
ends, so at most one thread hangs for each.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from intercomd.clock import Clock
from intercomd.errors import IntercomError

T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Evidence(Generic[T_co]):
    """What a check found last: a value or an error, and how long ago; both None before the first answer."""

    value: T_co | None
    error: str | None
    age_s: float | None


class Check(Generic[T_co]):
    """One question."""

    def __init__(self, name: str, ask: Callable[[], T_co], clock: Clock, max_age_s: float) -> None:
        """`ask` may block and may raise `IntercomError`; its answer counts for `max_age_s`. After an error
        the next one who wants to know asks again."""
        self.name = name
        self._ask = ask
        self._clock = clock
        self._max_age_s = max_age_s
        self._lock = threading.Lock()
        self._found: Evidence[T_co] = Evidence(None, None, None)
        self._found_at = 0.0
        self._answered = threading.Event()
        self._answered.set()

    def begin(self) -> None:
        """Ask, unless the last answer still counts or the question is under way."""
        with self._lock:
            has_answer = self._found.age_s is not None and self._found.error is None
            is_fresh = has_answer and self._clock.monotonic() - self._found_at < self._max_age_s
            if is_fresh or not self._answered.is_set():
                return
            self._answered.clear()
        threading.Thread(target=self._find_out, name=f"api-check-{self.name}", daemon=True).start()

    def wait(self, deadline: float) -> bool:
        """Until the question under way is answered (True), or the clock's monotonic `deadline`."""
        return self._answered.wait(max(0.0, deadline - self._clock.monotonic()))

    @property
    def evidence(self) -> Evidence[T_co]:
        with self._lock:
            if self._found.age_s is None:
                return self._found
            return Evidence(self._found.value, self._found.error, self._clock.monotonic() - self._found_at)

    @property
    def is_current(self) -> bool:
        """Whether the last answer still counts."""
        age = self.evidence.age_s
        return age is not None and age < self._max_age_s

    def _find_out(self) -> None:
        found: Evidence[T_co] = Evidence(None, "the question ended in a crash", 0.0)
        try:
            found = Evidence(self._ask(), None, 0.0)
        except IntercomError as error:
            found = Evidence(None, str(error), 0.0)
        finally:
            with self._lock:
                self._found, self._found_at = found, self._clock.monotonic()
            self._answered.set()


def ask_all(checks: Sequence[Check[object]], clock: Clock, timeout_s: float) -> None:
    """Ask all at the same time and wait for the answers, `timeout_s` in total."""
    for check in checks:
        check.begin()
    deadline = clock.monotonic() + timeout_s
    for check in checks:
        check.wait(deadline)
