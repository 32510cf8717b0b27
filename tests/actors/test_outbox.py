"""Deliveries in doubt: answers of the store or of a channel that never came."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from intercomd.domain.leases import Fence
from intercomd.domain.outbox import OutboxRow, OutboxState
from intercomd.errors import StoreUnavailable
from tests.actors.post_office import PostOffice
from tests.actors.world import World


class ForgetfulTable:
    """The outbox table behind a connection that breaks after the first COMMIT of a claim with rows."""

    def __init__(self, table: object) -> None:
        self._table = table
        self.has_broken = False

    def __getattr__(self, name: str) -> object:
        return getattr(self._table, name)

    def claim(self, fence: Fence, channel: str, now: datetime, limit: int) -> list[OutboxRow]:
        rows: list[OutboxRow] = self._table.claim(fence, channel, now, limit)  # type: ignore[attr-defined]
        if rows and not self.has_broken:
            self.has_broken = True
            raise StoreUnavailable("the answer to COMMIT never came")
        return rows


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(1, tmp_path)
    yield world
    world.close()


@pytest.fixture
def office(tmp_path: Path) -> Iterator[PostOffice]:
    office = PostOffice(tmp_path, answers=False)
    yield office
    office.close()


def test_text_is_delivered_at_once_when_the_answer_to_its_claim_was_lost(tmp_path: Path) -> None:
    """The claim stood although nobody heard so: its rows are found and handed over, once."""
    world = World(1, tmp_path)
    try:
        table = ForgetfulTable(world.store.outbox)
        world.store.outbox = table  # type: ignore[assignment]  # a broken connection, not a fake of the table
        world.restart()
        world.say("a", "m1")
        world.pass_time(3)
        assert table.has_broken
        assert world.answered("a") == {"m1": 1}
        world.finish()
        assert world.answered("a") == {"m1": 1}
    finally:
        world.close()


def test_text_that_could_not_be_delivered_for_a_day_fails(world: World) -> None:
    """It is not sent when nobody expects it any more; `outbox.expire_hours` says when that is."""
    world.say("a", "m1")
    world.settle(lambda: world.store.outbox.count_waiting() > 0)
    world.sim.clock.set_wall(world.sim.clock.now() + timedelta(hours=25))
    world.restart()
    world.finish()
    (row,) = world.store.outbox.list_recent(None, 5)
    assert (row.state, row.error) == (OutboxState.FAILED, "expired")


def test_report_of_an_earlier_claim_is_ignored_when_the_lease_came_back(office: PostOffice) -> None:
    """A process that lost the lease and has it again knows the rows of its new claims only."""
    office.put("t1")
    office.take_lease()
    office.open()
    office.sim.run_until_idle()
    (stale,) = office.channel.handed
    office.take_lease()
    office.sim.advance(timedelta(seconds=2))
    claimed = office.channel.handed[-1]
    assert (claimed.attempts, claimed.is_repeat) == (2, True)
    office.channel.refuse(stale)
    office.sim.advance(timedelta(seconds=30))
    assert office.channel.handed == [stale, claimed]
    assert office.rows()["t1"].state is OutboxState.SENDING


def test_outbox_forgets_its_claims_when_the_lease_is_lost(office: PostOffice) -> None:
    """What the channel says of them, or does not say, is the next owner's business."""
    office.put("t1")
    office.take_lease()
    office.open()
    office.sim.run_until_idle()
    office.let_another_take_the_lease()
    office.lease.lost()
    office.sim.advance(timedelta(minutes=10))
    office.channel.refuse(office.channel.handed[0])
    office.sim.run_until_idle()
    assert office.rows()["t1"].state is OutboxState.SENDING


@pytest.mark.parametrize(("is_idempotent", "handed"), [(True, 10), (False, 1)])
def test_channel_that_would_show_a_text_twice_gets_one_at_a_time(
    tmp_path: Path, is_idempotent: bool, handed: int
) -> None:
    """What a killed process leaves in doubt is what was on the wire, not a batch of chats."""
    office = PostOffice(tmp_path, is_idempotent=is_idempotent, answers=False)
    try:
        for number in range(10):
            office.put(f"t{number}", f"{number}@g.us")
        office.take_lease()
        office.open()
        office.sim.advance(timedelta(seconds=5))
        assert len(office.channel.handed) == handed
    finally:
        office.close()


@pytest.mark.parametrize("hours", [-48, 48])
def test_text_expires_by_its_true_age_when_the_clock_was_set(office: PostOffice, hours: int) -> None:
    """A reply that is seconds old is kept for its day; after that it goes all the same."""
    office.put("before")
    office.open()
    office.sim.advance(timedelta(minutes=5))
    office.sim.clock.set_wall(office.sim.clock.now() + timedelta(hours=hours))
    office.put("after")
    office.sim.advance(timedelta(hours=23))
    assert {row.state for row in office.rows().values()} == {OutboxState.PENDING}
    office.sim.advance(timedelta(hours=2 + max(0, -hours)))
    assert {row.state for row in office.rows().values()} == {OutboxState.FAILED}


def test_postponed_text_goes_at_once_when_the_clock_was_set_back(office: PostOffice) -> None:
    """A wait of seconds stays one of seconds (B-06)."""
    office.put("t1")
    office.take_lease()
    office.open()
    office.sim.run_until_idle()
    office.channel.refuse(office.channel.handed[0])
    office.sim.run_until_idle()
    office.sim.clock.set_wall(office.sim.clock.now() - timedelta(hours=24))
    office.sim.advance(timedelta(seconds=2))
    assert len(office.channel.handed) == 2


def test_text_of_a_channel_that_nobody_drives_expires(office: PostOffice) -> None:
    """A chat of a channel that was switched off does not wait for ever."""
    office.put("t1", "dc:1")
    office.open()
    office.sim.advance(timedelta(hours=25))
    assert office.rows()["t1"].state is OutboxState.FAILED


@pytest.mark.parametrize("seed", range(20))
def test_text_shown_before_an_orderly_stop_is_not_shown_again(tmp_path: Path, seed: int) -> None:
    """The last word of a channel is recorded wherever the stop finds it: in the mailbox or in hand."""
    office = PostOffice(tmp_path, seed)
    try:
        office.put("t1")
        office.put("t2")
        office.take_lease()
        office.open()
        while not office.channel.handed:
            assert office.sim.step()
        office.sim.stop()
        assert (office.rows()["t1"].state, office.rows()["t2"].state) == (OutboxState.SENT, OutboxState.PENDING)
    finally:
        office.close()
