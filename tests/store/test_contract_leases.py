"""Leases, and races between their holders, on every engine."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from intercomd.domain.ids import DutyName, Epoch
from intercomd.domain.leases import Holder, LeaseRow
from intercomd.errors import FenceLost
from tests.store.household import HOLDER, KITCHEN, NOON, OTHER, Household, reply

DUTY = DutyName("duty")


def test_take_gives_rising_epochs_to_who_saw_the_present_row(house: Household) -> None:
    """A takeover counts on what was seen; an outdated view takes nothing."""
    leases = house.store.leases
    assert leases.find(DUTY) is None
    assert leases.take(DUTY, None, HOLDER) == 1
    seen = leases.find(DUTY)
    assert seen == LeaseRow(DUTY, HOLDER, Epoch(1), 0)
    assert leases.renew(DUTY, Epoch(1))
    assert leases.take(DUTY, seen, OTHER) is None
    assert leases.take(DUTY, leases.find(DUTY), OTHER) == 2
    assert not leases.renew(DUTY, Epoch(1))


def test_take_gives_the_same_epoch_when_repeated(house: Household) -> None:
    """A take whose answer was lost is asked again and was successful."""
    leases = house.store.leases
    for seen in (None, LeaseRow(DUTY, OTHER, Epoch(1), 0)):
        first = leases.take(DUTY, seen, OTHER)
        assert first is not None
        assert leases.take(DUTY, seen, OTHER) == first


def test_release_frees_only_ones_own_lease(house: Household) -> None:
    """A release keeps the epoch, and does nothing to a successor."""
    leases = house.store.leases
    leases.take(DUTY, None, HOLDER)
    leases.release(DUTY, Epoch(1))
    assert leases.find(DUTY) == LeaseRow(DUTY, None, Epoch(1), 0)
    assert not leases.renew(DUTY, Epoch(1))
    leases.take(DUTY, leases.find(DUTY), OTHER)
    leases.release(DUTY, Epoch(1))
    row = leases.find(DUTY)
    assert row is not None
    assert row.holder == OTHER


def test_take_has_one_winner_when_many_try_at_once(house: Household) -> None:
    """Of several candidates with the same view one becomes the owner."""
    with ThreadPoolExecutor(6) as pool:
        epochs = list(pool.map(lambda pid: house.store.leases.take(DUTY, None, Holder("b", pid, 1)), range(12)))
    assert sorted(epoch for epoch in epochs if epoch is not None) == [1]


def test_claims_and_takeovers_never_overlap(house: Household) -> None:
    """A text is claimed by one owner: whoever claims after a takeover with the old epoch is refused (hazard B-84)."""
    house.say("m")
    house.store.outbox.enqueue([reply(f"t{number}") for number in range(8)], handled=None, now=NOON)
    leases, duty = house.store.leases, house.delivery.duty

    def claim_all(_: int) -> int:
        try:
            rows = house.claim()
        except FenceLost:
            return 0
        house.store.outbox.record_sent([(row.outbox_id, ()) for row in rows], NOON)
        return len(rows)

    with ThreadPoolExecutor(5) as pool:
        counts = pool.map(claim_all, range(20))
        taken = pool.submit(lambda: leases.take(duty, leases.find(duty), OTHER))
        claimed = sum(counts)
    assert taken.result() == 2
    assert claim_all(0) == 0
    rows = house.store.outbox.list_recent(KITCHEN, 20)
    assert sum(row.attempts for row in rows) == claimed
