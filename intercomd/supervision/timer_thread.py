"""The one thread of a tree that waits for time to pass."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta

from intercomd.clock import Clock
from intercomd.supervision.port import TimerHandle
from intercomd.supervision.timers import Alarm, AlarmHeap


class TimerThread:
    """Runs callbacks at monotonic times, in order of due time. Alarms may be set and cancelled from any thread."""

    def __init__(self, name: str, clock: Clock) -> None:
        self._clock = clock
        self._heap = AlarmHeap()
        self._changed = threading.Condition(threading.Lock())
        self._is_stopping = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout: float) -> None:
        """Run nothing more and end the thread; waits at most `timeout` seconds for a callback in hand."""
        with self._changed:
            self._is_stopping = True
            self._changed.notify()
        self._thread.join(timeout)

    def call_later(self, delay: timedelta, callback: Callable[[], None]) -> TimerHandle:
        due = self._clock.monotonic() + delay.total_seconds()
        with self._changed:
            first = self._heap.next_due()
            alarm = self._heap.set(due, callback)
            if first is None or due < first:
                self._changed.notify()
        return _Handle(self, alarm)

    def cancel(self, alarm: Alarm) -> None:
        with self._changed:
            self._heap.cancel(alarm)

    def _run(self) -> None:
        while True:
            with self._changed:
                callback = self._next()
            if callback is None:
                return
            callback()

    def _next(self) -> Callable[[], None] | None:
        """The next callback, waited for; None when the thread shall end."""
        while not self._is_stopping:
            callback = self._heap.take_due(self._clock.monotonic())
            if callback is not None:
                return callback
            due = self._heap.next_due()
            self._changed.wait(None if due is None else max(0.0, due - self._clock.monotonic()))
        return None


class _Handle:
    __slots__ = ("_alarm", "_thread")

    def __init__(self, thread: TimerThread, alarm: Alarm) -> None:
        self._thread = thread
        self._alarm = alarm

    def cancel(self) -> None:
        self._thread.cancel(self._alarm)
