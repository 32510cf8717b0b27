"""What makes the main thread act: signals, operators, changes, a tree that gave up. One queue, read by one loop."""

from __future__ import annotations

import faulthandler
import queue
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType


@dataclass(frozen=True, slots=True)
class StopAsked:
    """SIGTERM or SIGINT arrived; a second one ends the grace period."""

    signal_name: str


@dataclass(frozen=True, slots=True)
class SomethingChanged:
    """What the orchestration follows may be different now: a lease, a hold, the slots. It looks for itself."""


@dataclass(frozen=True, slots=True)
class TryAgain:
    """An operator enabled the orchestrator: earlier failures do not count."""


@dataclass(frozen=True, slots=True)
class TreeGaveUp:
    """The root supervisor gave up."""

    reason: str


Event = StopAsked | SomethingChanged | TryAgain | TreeGaveUp


class Control:
    """Safe to post to from any thread and from signal handlers (`SimpleQueue.put` is reentrant)."""

    def __init__(self) -> None:
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()

    def post(self, event: Event) -> None:
        self._events.put(event)

    def next(self, timeout_s: float) -> Event | None:
        try:
            return self._events.get(timeout=timeout_s)
        except queue.Empty:
            return None

    @contextmanager
    def signals(self) -> Iterator[None]:
        """Turn SIGTERM and SIGINT into events; SIGUSR1 writes every thread's stack to standard error."""
        previous = {number: signal.signal(number, self._on_signal) for number in (signal.SIGTERM, signal.SIGINT)}
        faulthandler.register(signal.SIGUSR1, all_threads=True, chain=False)
        try:
            yield
        finally:
            faulthandler.unregister(signal.SIGUSR1)
            for number, handler in previous.items():
                signal.signal(number, handler)

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        self.post(StopAsked(signal.Signals(number).name))
