"""Monotonic timers: in order, bound to one incarnation, never piling up."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import cast

import pytest

from intercomd.clock import SystemClock
from intercomd.errors import ActorUnavailable
from intercomd.supervision.port import ExitReason, TimerHandle
from intercomd.supervision.timer_thread import TimerThread
from intercomd.supervision.timers import AlarmHeap
from tests.supervision.forest import SECOND, Arm, Forest
from tests.support.waiting import Probe

MILLISECOND = timedelta(milliseconds=1)
NEVER = timedelta(hours=1)


def test_after_puts_the_item_once(forest: Forest) -> None:
    """The item comes into the actor's own mailbox."""
    forest.grow(forest.puppet("a"))
    forest.tell("a", Arm(MILLISECOND, "rang"))
    forest.seen.wait_for(lambda event: event == ("a", "rang"), "the timer")


def test_every_gives_at_most_one_pending_copy(forest: Forest) -> None:
    """A slow actor finds one item however many intervals went by."""
    forest.grow(forest.puppet("a"), forest.puppet("b"))
    forest.tell("a", Arm(MILLISECOND, "tick", repeats=True))
    forest.seen.wait_for(lambda event: event == ("a", "tick"), "the timer")
    gate = forest.hold("a")
    before = forest.seen.values.count(("a", "tick"))
    forest.tell("b", Arm(MILLISECOND * 20, "later"))
    forest.seen.wait_for(lambda event: event == ("b", "later"), "20 intervals")
    assert forest.tree is not None
    node = forest.tree.snapshot().find("a")
    assert node is not None
    assert node.mailbox_depth == 1
    assert forest.seen.values.count(("a", "tick")) == before
    gate.set()


def test_cancelled_timer_stays_silent(forest: Forest) -> None:
    """Cancel is idempotent and other timers are not touched."""
    forest.grow(forest.puppet("a"))
    handle = cast(TimerHandle, forest.ask("a", Arm(MILLISECOND * 30, "cancelled")))
    handle.cancel()
    handle.cancel()
    forest.tell("a", Arm(MILLISECOND * 40, "kept"))
    forest.seen.wait_for(lambda event: event == ("a", "kept"), "the other timer")
    assert ("a", "cancelled") not in forest.seen.values


def test_timers_end_with_their_incarnation(forest: Forest) -> None:
    """A restarted actor hears nothing that its former life armed."""
    forest.grow(forest.puppet("a"))
    forest.ask("a", Arm(MILLISECOND * 30, "of the former life"))
    forest.crash("a")
    forest.await_restarted("a")
    forest.tell("a", Arm(MILLISECOND * 40, "of this life"))
    forest.seen.wait_for(lambda event: event == ("a", "of this life"), "the new timer")
    assert forest.seen.values == [
        ("a", "start"),
        ("a", ExitReason.CRASHED),
        ("a", "start"),
        ("a", "of this life"),
    ]


def test_timer_item_passes_a_full_mailbox(forest: Forest) -> None:
    """A watchdog must not be lost because many talk at once."""
    forest.grow(forest.puppet("a", mailbox_limit=1), forest.puppet("b"))
    forest.ask("a", Arm(MILLISECOND, "watchdog"))
    gate = forest.hold("a")
    assert [forest.book.address("a").hint("noise") for _ in range(2)][-1] is False
    gate.set()
    forest.seen.wait_for(lambda event: event == ("a", "watchdog"), "the timer")


@pytest.mark.parametrize("interval", [timedelta(0), timedelta(seconds=-1)])
def test_every_refuses_an_interval_of_nothing(forest: Forest, interval: timedelta) -> None:
    """It would fire for ever at once."""
    forest.grow(forest.puppet("a"))
    with pytest.raises(ActorUnavailable, match="above zero"):
        forest.ask("a", Arm(interval, "tick", repeats=True))


def test_alarms_come_in_the_order_of_their_due_times() -> None:
    """Equal times in the order they were set."""
    heap, rung = AlarmHeap(), list[str]()
    for due, name in ((2.0, "c"), (1.0, "a"), (1.0, "b"), (9.0, "late")):
        heap.set(due, partial(rung.append, name))
    while callback := heap.take_due(5.0):
        callback()
    assert rung == ["a", "b", "c"]
    assert heap.next_due() == 9.0


def test_cancelled_alarms_are_thrown_away() -> None:
    """Watchdogs set for an hour and cancelled at once do not pile up."""
    heap = AlarmHeap()
    kept = heap.set(5.0, lambda: None)
    for number in range(10_000):
        heap.cancel(heap.set(3600.0 + number, lambda: None))
    assert len(heap) == 1
    assert heap.capacity < 1000
    assert heap.next_due() == kept.due


def test_timer_thread_wakes_for_an_earlier_alarm() -> None:
    """It does not sleep through what was set after it fell asleep."""
    timers, rung = TimerThread("timers", SystemClock()), Probe[str]()
    timers.start()
    timers.call_later(NEVER, lambda: rung.record("never"))
    timers.call_later(MILLISECOND * 5, lambda: rung.record("second"))
    timers.call_later(MILLISECOND, lambda: rung.record("first"))
    assert rung.wait_for_count(2) == ["first", "second"]
    timers.stop(SECOND.total_seconds())
