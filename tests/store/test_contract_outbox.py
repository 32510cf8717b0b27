"""The outbox's states and order, on every engine."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from intercomd.domain.chat import MessageKind
from intercomd.domain.events import EventCode
from intercomd.domain.ids import ChatJid, Folder, OutboxId
from intercomd.domain.leases import Fence, delivery_duty
from intercomd.domain.outbox import LONGEST_WAIT, Attachment, OutboxState
from intercomd.domain.routing import channel_of
from intercomd.errors import FenceLost, NotFound
from tests.store.household import KITCHEN, NOON, OTHER, Household, reply

GARDEN = ChatJid("local:garden")
A, B = OutboxId("a"), OutboxId("b")


@pytest.fixture
def filled(house: Household) -> Household:
    """Two texts for the kitchen; both chats are known."""
    house.say("k")
    house.say("g", chat_jid=GARDEN)
    house.store.outbox.enqueue([reply("a"), reply("b")], handled=None, now=NOON)
    return house


def claimed(house: Household) -> list[str]:
    return [row.outbox_id for row in house.claim()]


def state(house: Household, key: str) -> OutboxState:
    return next(row.state for row in house.store.outbox.list_recent(None, 10) if row.outbox_id == key)


def take_over(house: Household) -> Fence:
    """Another daemon owns the delivery now."""
    leases, duty = house.store.leases, house.delivery.duty
    epoch = leases.take(duty, leases.find(duty), OTHER)
    assert epoch is not None
    return Fence(duty, epoch)


def test_enqueue_leaves_known_texts_alone(filled: Household) -> None:
    """The same ids again are the same texts, at the same positions."""
    before = filled.store.outbox.list_recent(None, 10)
    filled.store.outbox.enqueue([reply("a"), reply("b")], handled=None, now=NOON + timedelta(hours=1))
    assert filled.store.outbox.list_recent(None, 10) == before


def test_enqueue_raises_for_an_unknown_chat(house: Household) -> None:
    """A text for nobody is refused, and with it the whole write."""
    with pytest.raises(NotFound):
        house.store.outbox.enqueue([reply("a"), reply("x", ChatJid("local:x"))], handled=None, now=NOON)
    assert house.store.outbox.count_waiting() == 0


def test_claim_sends_a_chat_in_order_and_others_beside_it(filled: Household) -> None:
    """B-41: a chat's texts go one after the other; a waiting one does not hold up another chat."""
    filled.store.outbox.enqueue([reply("c", GARDEN)], handled=None, now=NOON)
    assert claimed(filled) == ["a", "c"]
    assert claimed(filled) == []
    filled.store.outbox.record_sent([(A, ("1",))], NOON)
    assert claimed(filled) == ["b"]


def test_claim_gives_only_the_channels_own_texts(filled: Household) -> None:
    """B-39: a text goes out through the channel that owns its chat."""
    assert filled.store.outbox.claim(filled.delivery, "telegram", NOON, 10) == []


def test_claim_refuses_a_lost_fence(filled: Household) -> None:
    """After a takeover the old owner sends nothing."""
    take_over(filled)
    with pytest.raises(FenceLost):
        filled.claim()
    assert state(filled, "a") is OutboxState.PENDING


def test_record_sent_logs_the_text_once(filled: Household) -> None:
    """B-13, B-38: a delivered text enters the chat as a bot message, once, with a number of its own."""
    filled.claim()
    for _ in range(2):
        filled.store.outbox.record_sent([(A, ("77", "78"))], NOON)
    bot = filled.store.chats.recent(KITCHEN, 1)[0]
    assert (bot.seq, bot.kind, bot.content, bot.sender_name) == (2, MessageKind.BOT, "text of a", "Ada")
    (row,) = [row for row in filled.store.outbox.list_recent(KITCHEN, 5) if row.outbox_id == A]
    assert (row.state, row.channel_ids, row.attempts) == (OutboxState.SENT, ("77", "78"), 1)


def test_postponed_text_waits_and_holds_its_chat(filled: Household) -> None:
    """A refused text goes again at its time, before those behind it."""
    (row,) = filled.claim()
    later = NOON + timedelta(seconds=3)
    filled.store.outbox.postpone(row, later, "429", NOON)
    assert claimed(filled) == []
    assert filled.store.outbox.next_due_at(NOON) == later
    filled.now = later
    assert claimed(filled) == ["a"]


def test_postponed_text_is_due_when_the_clock_was_set_back(filled: Household) -> None:
    """A wait that is longer than any wait is of another clock."""
    (row,) = filled.claim()
    filled.store.outbox.postpone(row, NOON + LONGEST_WAIT, "429", NOON)
    assert claimed(filled) == []
    filled.now = NOON - timedelta(seconds=1)
    assert claimed(filled) == ["a"]


def test_failed_text_releases_those_behind_it(filled: Household) -> None:
    """A text that cannot be delivered does not block its chat for ever."""
    (row,) = filled.claim()
    filled.store.outbox.record_failed(row, "chat not found", NOON)
    assert claimed(filled) == ["b"]
    assert filled.store.outbox.count_waiting() == 1


def test_unknown_text_is_sent_again_once_and_marked(filled: Household) -> None:
    """A text that may have arrived is repeated once, marked as a repeat; then it stays unknown."""
    (row,) = filled.claim()
    filled.store.outbox.record_unknown(row, "reset", resends=True, now=NOON)
    (row,) = filled.claim()
    assert (row.outbox_id, row.is_repeat, row.attempts) == (A, True, 2)
    filled.store.outbox.record_unknown(row, "reset", resends=True, now=NOON)
    assert state(filled, "a") is OutboxState.UNKNOWN
    assert claimed(filled) == ["b"]


def test_unknown_text_stays_unknown_where_policy_says_so(filled: Household) -> None:
    """Without resending nobody sees the text twice."""
    (row,) = filled.claim()
    filled.store.outbox.record_unknown(row, "reset", resends=False, now=NOON)
    assert state(filled, "a") is OutboxState.UNKNOWN


@pytest.mark.parametrize(
    ("is_idempotent", "resends", "expected"),
    [
        (True, False, (OutboxState.PENDING, False)),
        (False, True, (OutboxState.PENDING, True)),
        (False, False, (OutboxState.UNKNOWN, False)),
    ],
)
def test_rescue_frees_what_an_earlier_owner_left(
    filled: Household, is_idempotent: bool, resends: bool, expected: tuple[OutboxState, bool]
) -> None:
    """A text left in sending is settled by the next owner, by what its channel can do; its own rows stay."""
    filled.claim()
    assert [row.outbox_id for row in filled.store.outbox.list_sending("local")] == ["a"]
    fence = take_over(filled)
    rescue = filled.store.outbox.rescue
    assert rescue(fence, "local", is_idempotent=is_idempotent, resends=resends, now=NOON) == 1
    assert rescue(fence, "local", is_idempotent=is_idempotent, resends=resends, now=NOON) == 0
    (row,) = [row for row in filled.store.outbox.list_recent(KITCHEN, 5) if row.outbox_id == A]
    assert (row.state, row.is_repeat) == expected


def test_report_of_an_earlier_owner_changes_nothing(filled: Household) -> None:
    """Only the owner of the latest claim says that a text was refused or is in doubt; that it arrived, anybody."""
    table = filled.store.outbox
    (stale,) = filled.claim()
    fence = take_over(filled)
    table.rescue(fence, "local", is_idempotent=True, resends=True, now=NOON)
    (row,) = table.claim(fence, "local", NOON, 10)
    assert (row.outbox_id, row.epoch) == (stale.outbox_id, fence.epoch)
    table.postpone(stale, NOON, "suspended", NOON)
    table.record_failed(stale, "refused", NOON)
    table.record_unknown(stale, "no answer", resends=True, now=NOON)
    assert state(filled, "a") is OutboxState.SENDING
    assert table.claim(fence, "local", NOON, 10) == []
    table.record_sent([(stale.outbox_id, ("1",))], NOON)
    assert state(filled, "a") is OutboxState.SENT


def test_expired_text_fails_with_an_event(filled: Household) -> None:
    """After a day a text is not sent any more, and that is on record."""
    later = NOON + timedelta(hours=25)
    assert filled.store.outbox.expire(NOON, later) == 0
    assert filled.store.outbox.expire(later - timedelta(hours=24), later) == 2
    assert claimed(filled) == []
    assert state(filled, "a") is OutboxState.FAILED
    events = filled.store.events.list_recent(KITCHEN, 2)
    assert {(event.code, event.detail) for event in events} == {
        (EventCode.TEXT_EXPIRED, "a"),
        (EventCode.TEXT_EXPIRED, "b"),
    }


@pytest.mark.parametrize("jid", ["120363@g.us", "tg:-1001"])
def test_claim_finds_texts_by_the_channel_of_their_jid(house: Household, jid: str) -> None:
    """A text is claimed by the channel that its chat's JID names, even when nobody has written there (hazard B-39)."""
    chat_jid = ChatJid(jid)
    house.register(Folder("elsewhere"), chat_jid)
    house.store.outbox.enqueue([reply("a", chat_jid)], handled=None, now=NOON)
    assert house.claim() == []
    duty = delivery_duty(channel_of(chat_jid))
    epoch = house.store.leases.take(duty, None, OTHER)
    assert epoch is not None
    rows = house.store.outbox.claim(Fence(duty, epoch), channel_of(chat_jid), NOON, 10)
    assert [(row.outbox_id, row.channel) for row in rows] == [("a", channel_of(chat_jid))]


def test_file_goes_in_order_behind_its_text_and_is_needed_until_it_is_settled(house: Household) -> None:
    """A row stands for one file, claimed and listed with its name and size; its text is what the chat log keeps."""
    house.say("k")
    menu = Attachment("Menü.pdf", 12_000)
    outbox = house.store.outbox
    outbox.enqueue([reply("a"), replace(reply("b"), attachment=menu)], handled=None, now=NOON)
    assert (outbox.is_known(B), outbox.is_known(OutboxId("c"))) == (True, False)
    assert [row.attachment for row in house.claim()] == [None]
    outbox.record_sent([(A, ())], NOON)
    assert [row.attachment for row in house.claim()] == [menu]
    assert outbox.list_waiting_files() == {B}
    outbox.record_sent([(B, ())], NOON)
    assert outbox.list_waiting_files() == frozenset()
    assert house.store.chats.recent(KITCHEN, 1)[0].content == "text of b"
    assert outbox.list_recent(None, 1)[0].attachment == menu
