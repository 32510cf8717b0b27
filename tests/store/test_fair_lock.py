"""The lock of SQLite's one writer."""

from __future__ import annotations

import threading

from intercomd.store.fair_lock import FairLock
from tests.support.waiting import DEADLINE_SECONDS, Probe, join


def test_lock_is_handed_to_waiters_in_the_order_they_came() -> None:
    """Nobody overtakes, so no writer starves."""
    lock, got = FairLock(), Probe[int]()
    assert lock.acquire(DEADLINE_SECONDS)
    waiters = []
    for number in range(5):
        began = threading.Event()

        def take(number: int = number, began: threading.Event = began) -> None:
            began.set()
            assert lock.acquire(DEADLINE_SECONDS)
            got.record(number)
            lock.release()

        waiters.append(threading.Thread(target=take))
        waiters[-1].start()
        began.wait(DEADLINE_SECONDS)
        assert not lock.acquire(0.01)  # gives the waiter time to stand in line
    lock.release()
    assert got.wait_for_count(5) == [0, 1, 2, 3, 4]
    for waiter in waiters:
        join(waiter)


def test_lock_is_free_again_after_a_waiter_gave_up() -> None:
    """A wait that ended in vain takes nothing with it."""
    lock = FairLock()
    assert lock.acquire(0)
    assert not lock.acquire(0.01)
    lock.release()
    assert lock.acquire(0)
