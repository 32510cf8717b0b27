"""The lock of SQLite's one writer."""

from __future__ import annotations

import threading

from intercomd.store.fair_lock import FairLock
from tests.support.waiting import DEADLINE_SECONDS, Probe, join


def test_lock_is_handed_over_to_one_waiter_at_a_time() -> None:
    """Of many threads that want it, each gets it, and never two at once."""
    lock, got, holders = FairLock(), Probe[int](), []

    def take(number: int) -> None:
        assert lock.acquire(DEADLINE_SECONDS)
        holders.append(number)
        got.record(len(holders))
        holders.remove(number)
        lock.release()

    assert lock.acquire(0)
    waiters = [threading.Thread(target=take, args=(number,)) for number in range(8)]
    for waiter in waiters:
        waiter.start()
    lock.release()
    assert got.wait_for_count(8) == [1] * 8
    for waiter in waiters:
        join(waiter)


def test_lock_is_free_again_after_a_waiter_gave_up() -> None:
    """A wait that ended in vain takes nothing with it."""
    lock = FairLock()
    assert lock.acquire(0)
    assert not lock.acquire(0.01)
    lock.release()
    assert lock.acquire(0)
