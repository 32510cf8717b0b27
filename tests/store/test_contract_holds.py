"""Holds, on every engine."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from intercomd.domain.events import EventCode
from intercomd.domain.holds import Hold
from intercomd.domain.ids import DutyName
from intercomd.domain.leases import DISPATCH
from intercomd.store.ports import Store
from tests.store.household import NOON

HOLD = Hold("ada", "a new disk", NOON, timedelta(seconds=90))


def test_hold_is_found_until_it_is_lifted(store: Store) -> None:
    """Who, why, when and how long runs may take are kept; other duties are not held by it."""
    assert store.holds.find(DISPATCH) is None
    store.holds.place(DISPATCH, HOLD)
    assert store.holds.find(DISPATCH) == HOLD
    assert store.holds.find(DutyName("channel:local")) is None
    store.holds.lift(DISPATCH, "bob", NOON)
    assert store.holds.find(DISPATCH) is None


def test_newer_hold_takes_the_place_of_the_older(store: Store) -> None:
    """The operator's last word counts, also without a grace of its own."""
    later = Hold("bob", "", NOON + timedelta(seconds=1))
    store.holds.place(DISPATCH, HOLD)
    store.holds.place(DISPATCH, later)
    assert store.holds.find(DISPATCH) == later


def test_repeated_write_changes_nothing(store: Store) -> None:
    """A write whose answer was lost is made again: one decision, one event."""
    precise = replace(HOLD, placed_at=NOON + timedelta(microseconds=7))
    for _ in "12":
        store.holds.place(DISPATCH, precise)
    for _ in "12":
        store.holds.lift(DISPATCH, "bob", NOON)
    codes = [event.code for event in store.events.list_recent(None, 10)]
    assert codes == [EventCode.HOLD_LIFTED, EventCode.HOLD_PLACED]


def test_schema_version_is_known(store: Store) -> None:
    """An operator can see which schema is in use."""
    assert store.schema_version() >= 3
