"""Registered groups and their numbers, on every engine."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from intercomd.domain.ids import ChatJid, Folder, InputId, RunId
from intercomd.domain.runs import Outcome
from intercomd.errors import NotFound, StoreConflict
from intercomd.store.ports import RetryPolicy
from tests.store.household import COOKS, KITCHEN, NOON, Household

GARDEN = ChatJid("local:garden")
GARDENERS = Folder("gardeners")


def test_add_answers_nothing_old(house: Household) -> None:
    """B-02, B-10: a chat's history from before its registration is neither a request nor part of a prompt."""
    house.say("old", chat_jid=GARDEN)
    house.register(GARDENERS, GARDEN)
    progress = house.progress(GARDENERS)
    assert (progress.settled_seq, progress.context_seq, progress.has_pending) == (1, 1, False)
    house.say("new", chat_jid=GARDEN)
    assert [m.external_id for m in house.open(folder=GARDENERS).prompt.messages] == ["new"]


def test_add_keeps_numbers_when_a_group_is_changed(house: Household) -> None:
    """Registering a group again changes its settings and nothing else."""
    house.say("m")
    before = house.progress()
    changed = replace(before.group, name="Chefs", container_config={"timeout": 5, "name": "ü"}, model="m1")
    assert house.store.groups.add(changed, NOON + timedelta(hours=1)) == changed
    assert house.progress() == replace(before, group=changed)


def test_add_refuses_a_folder_in_use(house: Household) -> None:
    """B-101: a folder belongs to one group; nobody is replaced."""
    with pytest.raises(StoreConflict, match=KITCHEN):
        house.register(COOKS, GARDEN)
    assert house.progress().group.jid == KITCHEN


def test_remove_keeps_the_chat_and_refuses_while_a_run_is_live(house: Household) -> None:
    """A group with a live run stays; without one it goes and the chat log is kept."""
    house.say("m")
    house.open()
    with pytest.raises(StoreConflict, match="run-1"):
        house.store.groups.remove(COOKS, NOON)
    house.end(outcome=Outcome.STOPPED)
    house.store.groups.remove(COOKS, NOON)
    with pytest.raises(NotFound):
        house.progress()
    with pytest.raises(NotFound):
        house.store.groups.remove(COOKS, NOON)
    assert house.store.groups.find_by_jid(KITCHEN) is None
    assert house.contents() == ["hello"]


def test_list_ready_serves_who_waits_longest_first(house: Household) -> None:
    """Ready groups come by the time of their oldest request, bounded by the limit."""
    house.register(GARDENERS, GARDEN)
    house.now = NOON + timedelta(seconds=1)
    house.say("g", chat_jid=GARDEN)
    house.now = NOON + timedelta(seconds=2)
    house.say("k")
    house.say("g2", chat_jid=GARDEN)
    ready = house.store.groups.list_ready(house.now, 10)
    assert [chat.folder for chat in ready] == [GARDENERS, COOKS]
    assert ready[0].waiting_since == NOON + timedelta(seconds=1)
    assert [chat.folder for chat in house.store.groups.list_ready(house.now, 1)] == [GARDENERS]
    assert house.store.groups.find_ready(KITCHEN, house.now) == ready[1]
    assert house.store.groups.count_pending() == 2
    assert (
        house.store.groups.count() == len(house.store.groups.list_all()) == len(house.store.groups.list_progress()) == 2
    )


def test_backoff_is_over_when_the_clock_was_set_back(house: Household) -> None:
    """B-06: a wait that is longer than any wait is of another clock; the group runs at once."""
    house.say("m")
    house.open()
    retry_at = house.end(outcome=Outcome.FAILED).retry_at
    assert retry_at is not None
    longest = RetryPolicy().longest_wait
    assert house.store.groups.find_ready(KITCHEN, retry_at - longest) is None
    house.now = retry_at - longest - timedelta(milliseconds=1)
    assert [ready.chat_jid for ready in house.store.groups.list_ready(house.now, 9)] == [KITCHEN]
    assert house.store.groups.find_ready(KITCHEN, house.now) is not None
    house.open(RunId("run-2"), input_id=InputId("input-2"))


def test_backoff_hides_a_group_until_its_time_or_a_new_request(house: Household) -> None:
    """A failed request waits; a new one ends the wait at once."""
    house.say("m")
    house.open()
    retry_at = house.end(outcome=Outcome.FAILED).retry_at
    assert retry_at == NOON + timedelta(seconds=5)
    groups = house.store.groups
    assert (groups.list_ready(NOON, 9), groups.count_pending(), groups.next_retry_at(NOON)) == ([], 1, retry_at)
    assert groups.find_ready(KITCHEN, retry_at) is not None
    house.say("n")
    assert groups.find_ready(KITCHEN, NOON) is not None
    assert groups.next_retry_at(NOON) is None
