"""Who gets a slot, and who is asked to give one back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from intercomd.actors.slots import Slots
from intercomd.domain.ids import ChatJid, Folder

NOW = datetime(2026, 1, 1, tzinfo=UTC)
A, B, C = Folder("a"), Folder("b"), Folder("c")


def wait(slots: Slots, folder: Folder, seconds: int) -> None:
    slots.wait(folder, ChatJid(f"tg:{folder}"), NOW + timedelta(seconds=seconds))


def test_slot_goes_to_whoever_waited_longest() -> None:
    """Order of the oldest request, not of arrival at the dispatcher (B-26)."""
    slots = Slots(2)
    wait(slots, A, 3)
    wait(slots, B, 1)
    wait(slots, C, 2)
    assert [slots.grant_next(), slots.grant_next(), slots.grant_next()] == [B, C, None]


def test_place_in_line_keeps_the_older_time_when_told_again() -> None:
    """A later hint cannot push a group back."""
    slots = Slots(1)
    wait(slots, A, 1)
    wait(slots, B, 2)
    wait(slots, A, 5)
    assert slots.grant_next() == A


def test_longest_idle_group_yields_when_somebody_waits() -> None:
    """An answered group does not keep others waiting for its idle time-out (B-26)."""
    slots = Slots(2)
    wait(slots, A, 1)
    wait(slots, B, 1)
    slots.grant_next(), slots.grant_next()
    slots.granted[A].idle_since, slots.granted[B].idle_since = 5.0, 4.0
    assert slots.next_to_yield() is None
    wait(slots, C, 2)
    assert slots.next_to_yield() == B
    slots.granted[B].is_yielding = True
    assert slots.next_to_yield() is None


@given(st.integers(1, 4), st.lists(st.sampled_from("abcdefgh"), max_size=40))
def test_slots_never_exceed_the_limit(limit: int, folders: list[str]) -> None:
    """Whatever the order of requests, at most `limit` groups have a slot, each once."""
    slots = Slots(limit)
    for number, name in enumerate(folders):
        if name not in slots.granted:
            wait(slots, Folder(name), number)
        slots.grant_next()
        assert len(slots.granted) <= limit
        assert not slots.granted.keys() & slots.line.keys()
