"""How a test waits: for an event, a thread, a recorded value or a log event, never longer than one deadline."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, TypeVar

DEADLINE_SECONDS = 10.0
"""Far beyond what any wait takes; only a defect reaches it."""

T = TypeVar("T")


def wait_for(event: threading.Event, what: str) -> None:
    """Return once `event` is set; fail with `what` at the deadline."""
    if not event.wait(DEADLINE_SECONDS):
        raise AssertionError(f"did not happen within {DEADLINE_SECONDS:g} s: {what}")


def join(thread: threading.Thread) -> None:
    """Return once `thread` has ended; fail at the deadline."""
    thread.join(DEADLINE_SECONDS)
    if thread.is_alive():
        raise AssertionError(f"thread {thread.name} did not end within {DEADLINE_SECONDS:g} s")


class Probe(Generic[T]):
    """A list that threads append to (`probe.record` is the callback) and a test waits on."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._values: list[T] = []

    def record(self, value: T) -> None:
        with self._changed:
            self._values.append(value)
            self._changed.notify_all()

    @property
    def values(self) -> list[T]:
        """What was recorded so far, in order."""
        with self._changed:
            return list(self._values)

    def wait_for(self, is_wanted: Callable[[T], bool], what: str) -> T:
        """The first recorded value, past or to come, that is wanted."""
        self._wait(lambda: any(map(is_wanted, self._values)), what)
        return next(value for value in self.values if is_wanted(value))

    def wait_for_count(self, count: int) -> list[T]:
        """All values, once there are at least `count`."""
        self._wait(lambda: len(self._values) >= count, f"{count} values")
        return self.values

    def _wait(self, is_reached: Callable[[], bool], what: str) -> None:
        with self._changed:
            if not self._changed.wait_for(is_reached, DEADLINE_SECONDS):
                raise AssertionError(f"not recorded within {DEADLINE_SECONDS:g} s: {what}; recorded: {self._values}")


@dataclass(frozen=True, slots=True)
class Logged:
    """A log event as it was emitted."""

    level: int
    event: str
    fields: dict[str, object]


class LogProbe(Probe[Logged]):
    """The program's log events as a probe."""

    def wait_for_event(self, event: str, **fields: object) -> Logged:
        """The first such event with at least these fields."""
        return self.wait_for(
            lambda logged: logged.event == event and fields.items() <= logged.fields.items(),
            f"log event {event} {fields}",
        )


class _ProbeHandler(logging.Handler):
    def __init__(self, probe: LogProbe) -> None:
        super().__init__()
        self._probe = probe

    def emit(self, record: logging.LogRecord) -> None:
        self._probe.record(Logged(record.levelno, record.getMessage(), getattr(record, "fields", {})))


@contextmanager
def logged_events(level: int = logging.DEBUG) -> Iterator[LogProbe]:
    """Collect the events that intercomd logs inside the block."""
    probe = LogProbe()
    handler = _ProbeHandler(probe)
    logger = logging.getLogger("intercomd")
    previous = logger.level
    logger.addHandler(handler)
    logger.setLevel(level)
    try:
        yield probe
    finally:
        logger.removeHandler(handler)
        logger.setLevel(previous)
