"""Who gets a slot, and who is asked to give one back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from intercomd.actors.slots import Grant, Slots
from intercomd.domain.ids import ChatJid, Folder

NOW = datetime(2026, 1, 1, tzinfo=UTC)
A, B, C, D = Folder("a"), Folder("b"), Folder("c"), Folder("d")


def wait(slots: Slots, folder: Folder, seconds: int) -> None:
    slots.wait(folder, ChatJid(f"tg:{folder}"), NOW + timedelta(seconds=seconds))


def wait_with_task(slots: Slots, folder: Folder, seconds: int) -> None:
    slots.wait(folder, ChatJid(f"tg:{folder}"), NOW + timedelta(seconds=seconds), is_for_task=True)


def grant_all(slots: Slots) -> list[str]:
    """Who gets the free slots, tasks with an exclamation mark."""
    grants = []
    while (grant := slots.grant_next()) is not None:
        grants.append(grant.folder + "!" * grant.is_for_task)
    return grants


def test_slot_goes_to_whoever_waited_longest() -> None:
    """Order of the oldest request, not of arrival at the dispatcher (B-26)."""
    slots = Slots(2)
    wait(slots, A, 3)
    wait(slots, B, 1)
    wait(slots, C, 2)
    assert grant_all(slots) == ["b", "c"]


def test_place_in_line_keeps_the_older_time_when_told_again() -> None:
    """A later hint cannot push a group back."""
    slots = Slots(1)
    wait(slots, A, 1)
    wait(slots, B, 2)
    wait(slots, A, 5)
    assert grant_all(slots) == ["a"]


def test_place_in_line_moves_forward_when_an_older_time_is_told() -> None:
    """What was told late counts from when it was due."""
    slots = Slots(1)
    wait_with_task(slots, A, 3)
    wait_with_task(slots, B, 2)
    wait_with_task(slots, A, 1)
    assert grant_all(slots) == ["a!"]


def test_longest_idle_group_yields_when_somebody_waits() -> None:
    """An answered group does not keep others waiting for its idle time-out (B-26)."""
    slots = Slots(2)
    wait(slots, A, 1)
    wait(slots, B, 1)
    grant_all(slots)
    slots.granted[A].idle_since, slots.granted[B].idle_since = 5.0, 4.0
    assert slots.next_to_yield() is None
    wait(slots, C, 2)
    assert slots.next_to_yield() == B
    slots.granted[B].is_yielding = True
    assert slots.next_to_yield() is None


def test_idle_group_yields_at_once_when_its_own_task_waits() -> None:
    """Also while other slots are free: only this one is in the way."""
    slots = Slots(3)
    wait(slots, A, 1)
    wait(slots, B, 1)
    grant_all(slots)
    slots.granted[A].idle_since, slots.granted[B].idle_since = 4.0, 5.0
    wait_with_task(slots, B, 2)
    assert slots.next_to_yield() == B


def test_idle_group_keeps_its_slot_when_the_tasks_that_wait_could_not_take_it() -> None:
    """Tasks have what they may have already; ending the agent would help nobody."""
    slots = Slots(2)
    wait(slots, A, 1)
    wait_with_task(slots, B, 1)
    grant_all(slots)
    slots.granted[A].idle_since = 4.0
    wait_with_task(slots, C, 2)
    assert slots.next_to_yield() is None


def test_tasks_leave_one_slot_to_people_when_thousands_wait() -> None:
    """A person finds a slot however many tasks are due at one minute."""
    slots = Slots(4)
    for number in range(10_000):
        wait_with_task(slots, Folder(f"t{number:05d}"), number)
    assert grant_all(slots) == ["t00000!", "t00001!", "t00002!"]
    wait(slots, A, 20_000)
    assert grant_all(slots) == ["a"]
    slots.release(A)
    assert grant_all(slots) == []


def test_requests_go_before_tasks_when_slots_are_scarce() -> None:
    """Nobody waits behind tasks that were due earlier."""
    slots = Slots(3)
    for number, folder in enumerate([A, B]):
        wait_with_task(slots, folder, number)
        wait(slots, Folder(f"{folder}-chat"), 10 + number)
    assert grant_all(slots) == ["a-chat", "b-chat", "a!"]


def test_last_free_slot_goes_to_a_task_when_tasks_have_none() -> None:
    """However much people write, tasks go on."""
    slots = Slots(2)
    wait(slots, A, 1)
    wait(slots, B, 2)
    wait_with_task(slots, C, 3)
    assert grant_all(slots) == ["a", "c!"]
    slots.release(C)
    assert grant_all(slots) == ["b"]


def test_lines_take_turns_when_there_is_one_slot() -> None:
    """With a single slot neither line can keep it."""
    slots = Slots(1)
    for number in range(3):
        wait(slots, Folder(f"p{number}"), number)
        wait_with_task(slots, Folder(f"t{number}"), number)
    turns = []
    while grants := grant_all(slots):
        turns += grants
        slots.release(Folder(grants[0].rstrip("!")))
    assert turns == ["p0", "t0!", "p1", "t1!", "p2", "t2!"]


def test_requests_and_tasks_of_one_group_alternate_when_both_keep_coming() -> None:
    """A talkative group does not starve its own tasks, nor they its people."""
    slots = Slots(3)
    turns = []
    for number in range(6):
        wait(slots, A, number)
        wait_with_task(slots, A, number)
        turns += grant_all(slots)
        slots.release(A)
    assert turns == ["a", "a!", "a", "a!", "a", "a!"]


def test_request_does_not_wait_for_tasks_of_other_groups_when_its_own_task_was_passed() -> None:
    """The group's task would go first, but all slots for tasks are taken: the request is not held up by that."""
    slots = Slots(2)
    wait(slots, A, 1)
    wait_with_task(slots, B, 1)
    assert grant_all(slots) == ["a", "b!"]
    wait_with_task(slots, A, 2)
    slots.release(A)
    wait(slots, A, 3)
    assert grant_all(slots) == ["a"]


def test_group_with_a_slot_keeps_its_place_for_what_came_meanwhile() -> None:
    """It is granted one slot at a time, and not forgotten."""
    slots = Slots(3)
    wait_with_task(slots, A, 1)
    assert grant_all(slots) == ["a!"]
    wait(slots, A, 2)
    wait_with_task(slots, A, 3)
    assert grant_all(slots) == []
    assert slots.view(is_draining=False).oldest_waiting_since == NOW + timedelta(seconds=2)
    slots.release(A)
    assert grant_all(slots) == ["a"]


def test_hint_of_the_task_that_has_the_slot_is_no_further_task() -> None:
    """It was told twice: a second slot for it would be for nothing."""
    slots = Slots(3)
    wait_with_task(slots, A, 1)
    grant_all(slots)
    wait_with_task(slots, A, 1)
    assert len(slots.tasks) == 0
    wait_with_task(slots, A, 2)
    slots.release(A)
    assert grant_all(slots) == ["a!"]


def test_view_counts_both_lines_and_shows_how_long_people_wait() -> None:
    """What health and status tell; tasks that wait are no reason to worry."""
    slots = Slots(1)
    wait(slots, A, 5)
    grant_all(slots)
    wait(slots, B, 4)
    wait_with_task(slots, C, 3)
    wait_with_task(slots, D, 6)
    view = slots.view(is_draining=False)
    assert (view.live, view.waiting, view.waiting_tasks) == ((A,), 1, 2)
    assert view.oldest_waiting_since == NOW + timedelta(seconds=4)


@given(
    st.integers(1, 4),
    st.lists(st.tuples(st.sampled_from("abcdefgh"), st.sampled_from(["request", "task", "release"])), max_size=60),
)
def test_slots_keep_their_rules_whatever_happens(limit: int, steps: list[tuple[str, str]]) -> None:
    """At most `limit` groups have a slot, each once; tasks have at most their share; whoever waits and may start does;
    and everybody has had a turn once nothing new comes."""
    slots = Slots(limit)
    waiting: set[Grant] = set()
    for number, (name, what) in enumerate(steps):
        folder = Folder(name)
        if what == "release":
            slots.release(folder)
        else:
            slots.wait(folder, ChatJid(name), NOW + timedelta(seconds=number), is_for_task=what == "task")
            waiting.add(Grant(folder, what == "task"))
        _grant_and_check(slots, waiting)
    while waiting:
        slots.release(next(iter(slots.granted)))
        _grant_and_check(slots, waiting)


def _grant_and_check(slots: Slots, waiting: set[Grant]) -> None:
    before = len(waiting)
    while (grant := slots.grant_next()) is not None:
        waiting.remove(grant)
    tasks = [granted for granted in slots.granted.values() if granted.is_for_task]
    assert len(slots.granted) <= slots.limit
    assert len(tasks) <= max(1, slots.limit - 1)
    assert (len(slots.people), len(slots.tasks)) == (
        sum(not grant.is_for_task for grant in waiting),
        sum(grant.is_for_task for grant in waiting),
    )
    if slots.has_free:
        may_start = {grant for grant in waiting if grant.folder not in slots.granted}
        assert not {grant for grant in may_start if not grant.is_for_task}
        assert not may_start or len(tasks) == max(1, slots.limit - 1)
    assert len(waiting) <= before


@given(st.lists(st.tuples(st.integers(0, 50), st.sampled_from("abcdefgh")), min_size=2, max_size=40))
def test_each_line_is_in_order_of_waiting_whatever_the_order_of_hints(hints: list[tuple[int, str]]) -> None:
    """The time of the oldest counts, for tasks as for people."""
    slots = Slots(1)
    for seconds, name in hints:
        wait_with_task(slots, Folder(name), seconds)
    oldest = {name: min(seconds for seconds, other in hints if other == name) for _, name in hints}
    turns = []
    while (grant := slots.grant_next()) is not None:
        turns.append(oldest[grant.folder])
        slots.release(grant.folder)
    assert all(earlier <= later for earlier, later in pairwise(turns))
    assert len(turns) == len(oldest)
