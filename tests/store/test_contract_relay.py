"""Texts relayed for callers that have no key of their own, on every engine."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta

import pytest

from intercomd.domain.ids import ChatJid, OutboxId
from intercomd.domain.leases import Fence, delivery_duty
from intercomd.domain.outbox import OutboxState, RelayRequest, TextKind
from intercomd.errors import StoreUnavailable
from intercomd.store.ports import Store
from tests.store.household import HOLDER, NOON
from tests.support.waiting import join

FAMILY = ChatJid("tg:-100")
ASKED = RelayRequest(FAMILY, ("one", "two"), "d1", "n1")
WINDOW = timedelta(minutes=1)


def relay(store: Store, request: RelayRequest, after: timedelta = timedelta(0)) -> tuple[OutboxId, ...]:
    now = NOON + after
    return store.outbox.relay(request, now - WINDOW, lambda: False, now)


@pytest.fixture
def fence(store: Store) -> Fence:
    duty = delivery_duty("telegram")
    epoch = store.leases.take(duty, None, HOLDER)
    assert epoch is not None
    return Fence(duty, epoch)


def test_relayed_texts_are_claimed_in_order_when_the_chat_was_unknown(store: Store, fence: Fence) -> None:
    """A chat that nobody wrote in gets its texts, one after the other, through its JID's channel."""
    ids = relay(store, ASKED)
    (first,) = store.outbox.claim(fence, "telegram", NOON, 10)
    assert (first.outbox_id, first.text, first.kind) == (ids[0], "one", TextKind.RELAY)
    store.outbox.record_sent([(ids[0], ("7",))], NOON)
    assert [row.text for row in store.outbox.claim(fence, "telegram", NOON, 10)] == ["two"]


def test_relay_of_the_same_adds_nothing_while_the_first_is_unfinished(store: Store, fence: Fence) -> None:
    """A blind repeat joins the request under way, also when a part of it was sent already (hazards B-41, B-95)."""
    ids = relay(store, ASKED)
    store.outbox.claim(fence, "telegram", NOON, 1)
    store.outbox.record_sent([(ids[0], ("7",))], NOON)
    assert relay(store, replace(ASKED, nonce="n2"), timedelta(seconds=5)) == ids
    assert len(store.outbox.list_recent(FAMILY, 10)) == 2


def test_relay_of_the_same_is_a_new_request_when_the_first_is_finished_or_old(store: Store, fence: Fence) -> None:
    """People may be told the same twice: only an unfinished request of the last minute is taken for a repeat."""
    single = RelayRequest(FAMILY, ("one",), "d1", "n1")
    (first,) = relay(store, single)
    (second,) = relay(store, replace(single, nonce="n2"), WINDOW + timedelta(seconds=1))
    assert second != first
    for row in (first, second):
        store.outbox.claim(fence, "telegram", NOON + 2 * WINDOW, 1)
        store.outbox.record_sent([(row, ("7",))], NOON)
    assert relay(store, replace(single, nonce="n3"), WINDOW + timedelta(seconds=2)) not in {(first,), (second,)}


def test_relay_stores_nothing_when_it_is_late(store: Store) -> None:
    """A caller that was told, or will take it, that nothing is sent gets nothing sent (hazard B-95)."""
    with pytest.raises(StoreUnavailable):
        store.outbox.relay(ASKED, NOON, lambda: True, NOON)
    assert store.outbox.list_recent(FAMILY, 10) == []


def test_relay_of_another_text_is_another_request(store: Store) -> None:
    """The digest stands for what is asked."""
    relay(store, ASKED)
    relay(store, replace(ASKED, digest="d2", nonce="n2"))
    assert [row.state for row in store.outbox.list_recent(FAMILY, 10)] == [OutboxState.PENDING] * 4


def test_relay_with_a_known_nonce_adds_nothing_when_it_was_finished(store: Store, fence: Fence) -> None:
    """The write may be repeated after a commit without an answer, however late."""
    single = RelayRequest(FAMILY, ("one",), "d1", "n1")
    (first,) = relay(store, single)
    store.outbox.claim(fence, "telegram", NOON, 1)
    store.outbox.record_sent([(first, ("7",))], NOON)
    assert relay(store, single) == (first,)
    assert len(store.outbox.list_recent(FAMILY, 10)) == 1


def test_equal_relays_at_the_same_time_are_one(store: Store) -> None:
    """Two that arrive together see each other: the chat's row lock decides."""
    start = threading.Barrier(4)

    def send(nonce: str) -> None:
        start.wait(5)
        relay(store, replace(ASKED, nonce=nonce))

    threads = [threading.Thread(target=send, args=(f"n{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        join(thread)
    assert len(store.outbox.list_recent(FAMILY, 10)) == 2
