"""Monotonic timers: a heap of alarms, and the timers of one incarnation of an actor on top of it."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from datetime import timedelta
from typing import Protocol

from intercomd.clock import Clock
from intercomd.supervision.mailbox import Letter, Mailbox
from intercomd.supervision.port import TimerHandle

_COMPACT_AT = 256
"""Below this many cancelled alarms the heap is left alone."""


class Alarm:
    """A callback due at a monotonic time; `callback` is None once cancelled or run."""

    __slots__ = ("callback", "due", "number")

    def __init__(self, due: float, number: int, callback: Callable[[], None]) -> None:
        self.due = due
        self.number = number
        self.callback: Callable[[], None] | None = callback

    def __lt__(self, other: Alarm) -> bool:
        return (self.due, self.number) < (other.due, other.number)


class AlarmHeap:
    """Alarms by due time, equal times in the order they were set. Not thread-safe.

    A cancelled alarm stays in the heap until it is due or until the cancelled are the majority: a run's watchdog is
    set for half an hour and cancelled after a second, hundreds of times a second.
    """

    def __init__(self) -> None:
        self._heap: list[Alarm] = []
        self._count = 0
        self._cancelled = 0

    def __len__(self) -> int:
        return len(self._heap) - self._cancelled

    @property
    def capacity(self) -> int:
        """Alarms in memory, the cancelled included."""
        return len(self._heap)

    def set(self, due: float, callback: Callable[[], None]) -> Alarm:
        self._count += 1
        alarm = Alarm(due, self._count, callback)
        heapq.heappush(self._heap, alarm)
        return alarm

    def cancel(self, alarm: Alarm) -> None:
        if alarm.callback is None:
            return
        alarm.callback = None
        self._cancelled += 1
        if self._cancelled > _COMPACT_AT and self._cancelled > len(self._heap) // 2:
            self._heap = [kept for kept in self._heap if kept.callback is not None]
            heapq.heapify(self._heap)
            self._cancelled = 0

    def next_due(self) -> float | None:
        """When the earliest alarm is due, None without alarms."""
        while self._heap and self._heap[0].callback is None:
            heapq.heappop(self._heap)
            self._cancelled -= 1
        return self._heap[0].due if self._heap else None

    def take_due(self, now: float) -> Callable[[], None] | None:
        """Remove the earliest alarm that is due at `now` and return its callback."""
        due = self.next_due()
        if due is None or due > now:
            return None
        alarm = heapq.heappop(self._heap)
        callback, alarm.callback = alarm.callback, None
        return callback


class Alarms(Protocol):
    """Something that runs callbacks later; they must return at once."""

    def call_later(self, delay: timedelta, callback: Callable[[], None]) -> TimerHandle: ...


class ActorTimers:
    """The `Timers` of one incarnation. Its items pass the mailbox limit: an actor arms few, and must get them."""

    def __init__(self, alarms: Alarms, mailbox: Mailbox, clock: Clock) -> None:
        self.alarms = alarms
        self.mailbox = mailbox
        self.clock = clock
        self._live: set[ActorTimer] = set()
        self._is_over = False

    def after(self, delay: timedelta, item: object) -> TimerHandle:
        return self._arm(ActorTimer(self, item, delay, interval=None))

    def every(self, interval: timedelta, item: object) -> TimerHandle:
        if interval <= timedelta(0):
            raise ValueError(f"a timer's interval must be above zero, not {interval}")
        return self._arm(ActorTimer(self, item, interval, interval=interval))

    def end(self) -> None:
        """Cancel what is armed and arm nothing more; the incarnation is over."""
        self._is_over = True
        for timer in tuple(self._live):
            timer.cancel()

    def forget(self, timer: ActorTimer) -> None:
        self._live.discard(timer)

    def _arm(self, timer: ActorTimer) -> TimerHandle:
        if not self._is_over:
            self._live.add(timer)
            timer.arm()
        return timer


class ActorTimer:
    """One armed timer; `cancel` comes from the actor's thread, `_fire` from wherever alarms run."""

    __slots__ = ("_alarm", "_due", "_interval", "_is_cancelled", "_item", "_timers", "is_pending")

    def __init__(self, timers: ActorTimers, item: object, delay: timedelta, *, interval: timedelta | None) -> None:
        self._timers = timers
        self._item = item
        self._interval = interval
        self._due = timers.clock.monotonic() + delay.total_seconds()
        self._alarm: TimerHandle | None = None
        self._is_cancelled = False
        self.is_pending = False

    def arm(self) -> None:
        delay = timedelta(seconds=max(0.0, self._due - self._timers.clock.monotonic()))
        self._alarm = self._timers.alarms.call_later(delay, self._fire)
        if self._is_cancelled:
            self._alarm.cancel()

    def cancel(self) -> None:
        self._is_cancelled = True
        self._timers.forget(self)
        if self._alarm is not None:
            self._alarm.cancel()

    def _fire(self) -> None:
        if self._is_cancelled:
            return
        now = self._timers.clock.monotonic()
        if self._interval is None:
            self._timers.forget(self)
            self._timers.mailbox.deliver(Letter(self._item, now))
            return
        if not self.is_pending:
            self.is_pending = True
            self._timers.mailbox.deliver(Letter(self._item, now, timer=self))
        self._due += self._interval.total_seconds()
        if self._due <= now:
            self._due = now + self._interval.total_seconds()
        self.arm()
