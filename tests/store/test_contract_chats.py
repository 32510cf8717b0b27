"""The chat log, on every engine."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from intercomd.domain.chat import MessageKind
from intercomd.domain.events import EventCode
from intercomd.domain.ids import ChatJid, Seq
from intercomd.errors import NotFound, StoreError, StoreUnavailable
from tests.store.household import COOKS, KITCHEN, NOON, Household, message


def test_ingest_numbers_messages_without_gaps(house: Household) -> None:
    """The messages of a chat are numbered 1, 2, 3, whatever happens in other chats."""
    seqs = [house.say("a").seq, house.say("x", chat_jid=ChatJid("local:other")).seq, house.say("b").seq]
    assert seqs == [1, 1, 2]


def test_ingest_orders_by_arrival_when_times_are_equal_or_older(house: Household) -> None:
    """B-06, B-07: equal and older sending times change neither order nor what is pending."""
    for number, minutes in enumerate((0, 0, -5)):
        sent = message(f"m{number}", f"text {number}", sent_at=NOON + timedelta(minutes=minutes))
        house.store.chats.ingest(sent, NOON)
    assert house.contents() == ["text 0", "text 1", "text 2"]
    assert [stored.content for stored in house.open().prompt.messages] == ["text 0", "text 1", "text 2"]


def test_ingest_keeps_sub_millisecond_times_from_being_read_again(house: Household) -> None:
    """B-08: a time with microseconds is stored in milliseconds and is no cursor."""
    house.store.chats.ingest(message("m", sent_at=NOON + timedelta(microseconds=123_456)), NOON)
    (stored,) = house.store.chats.history(KITCHEN, Seq(0), 10)
    assert stored.sent_at == NOON + timedelta(milliseconds=123)
    assert house.store.chats.history(KITCHEN, stored.seq, 10) == []


def test_ingest_changes_only_the_text_when_an_id_comes_again(house: Household) -> None:
    """A message delivered twice keeps its place; its newer text counts."""
    first = house.say("m", "first")
    again = house.say("m", "edited")
    assert (again.seq, again.is_new, again.kind) == (first.seq, False, first.kind)
    assert house.contents() == ["edited"]
    assert house.say("n").seq == first.seq + 1


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("😀" * 10_000, "😀" * 10_000),
        ("a\x00b", "a\ufffdb"),
        ("\ud83d lone", "\ufffd lone"),
        ("שלום \u202eعالم", "שלום \u202eعالم"),
        ("", ""),
        ('it\'s :name $1 {} %s \\ "quoted"', 'it\'s :name $1 {} %s \\ "quoted"'),
    ],
    ids=["emoji", "nul", "surrogate", "rtl", "empty", "sql"],
)
def test_ingest_keeps_any_text(house: Household, text: str, stored: str) -> None:
    """Every text comes back as it was, but for what no engine can hold, which becomes U+FFFD."""
    house.say("m", text)
    assert house.contents() == [stored]


@pytest.mark.parametrize("unstorable", ["a\x00b", "a\ud800b"])
def test_ingest_keeps_a_message_with_any_id(house: Household, unstorable: str) -> None:
    """An id from outside cannot make a message unstorable, and stays the key of the write."""
    first = house.say(unstorable)
    again = house.say(unstorable)
    assert (again.seq, again.is_new) == (first.seq, False)


def test_write_refuses_what_utf8_cannot_hold(house: Household) -> None:
    """A value that no try can store is an error of its caller, never a store that is away; the next write works."""
    house.say("1")
    house.open()
    with pytest.raises(StoreError) as refusal:
        house.record(session_id="\ud800")
    assert not isinstance(refusal.value, StoreUnavailable)
    house.record(session_id="s1")
    assert house.store.sessions.get(COOKS).session_id == "s1"


def test_ingest_decides_what_a_message_is(house: Household) -> None:
    """B-14: what a message is depends on flags and rules, not on a text that looks like the bot's."""
    house.register(COOKS, KITCHEN, requires_trigger=True)
    kinds = [
        house.say("1", "Ada: hello").kind,
        house.say("2", "@Ada hello").kind,
        house.say("3", "/ping").kind,
        house.store.chats.ingest(message("4", "@Ada me", is_bot=True), NOON).kind,
    ]
    assert kinds == [MessageKind.CONTEXT, MessageKind.REQUEST, MessageKind.COMMAND, MessageKind.BOT]


def test_ingest_records_why_nothing_happens(house: Household) -> None:
    """Every message that is not the bot's has an event with the decision."""
    house.say("1", "hello")
    house.say("2", "  ")
    house.say("3", chat_jid=ChatJid("local:unknown"))
    codes = [event.code for event in house.store.events.list_recent(None, 3)]
    assert codes == [EventCode.MESSAGE_UNREGISTERED, EventCode.MESSAGE_BLANK, EventCode.MESSAGE_REQUEST]


def test_ingest_gives_one_order_when_many_write_at_once(house: Household) -> None:
    """Messages that arrive in several threads get every number once."""
    with ThreadPoolExecutor(6) as pool:
        seqs = list(pool.map(lambda number: house.say(f"m{number}").seq, range(60)))
    assert sorted(seqs) == list(range(1, 61))
    assert house.progress().last_request_seq == 60


def test_ingest_stores_once_when_one_message_arrives_twice_at_once(house: Household) -> None:
    """B-13: one id delivered by several threads at once is one message, and exactly one of them was new."""
    with ThreadPoolExecutor(6) as pool:
        done = list(pool.map(lambda _: house.say("same"), range(12)))
    assert {item.seq for item in done} == {1}
    assert sum(item.is_new for item in done) == 1


def test_history_pages_through_a_chat(house: Household) -> None:
    """B-16: history and recent are bounded; history goes on after a number."""
    for number in range(5):
        house.say(f"m{number}", str(number))
    assert [m.content for m in house.store.chats.history(KITCHEN, Seq(1), 2)] == ["1", "2"]
    assert [m.content for m in house.store.chats.recent(KITCHEN, 2)] == ["3", "4"]


def test_list_chats_takes_a_chat_without_messages(house: Household) -> None:
    """B-15: a chat nobody has written in has no time and breaks nothing."""
    house.say("m", chat_jid=ChatJid("local:loud"))
    chats = house.store.chats.list_chats()
    assert [(chat.jid, chat.last_message_at) for chat in chats] == [("local:loud", NOON), (KITCHEN, None)]


def test_list_unhandled_commands_forgets_a_command_with_its_reply(house: Household) -> None:
    """A command is listed until its answer is in the outbox."""
    seq = house.say("c", "/ping").seq
    assert [command.seq for command in house.store.chats.list_unhandled_commands(10)] == [seq]
    house.store.outbox.enqueue((), handled=(KITCHEN, seq), now=NOON)
    assert house.store.chats.list_unhandled_commands(10) == []


def test_get_message_raises_when_there_is_none(house: Household) -> None:
    """A number that was never drawn is not found."""
    seq = house.say("m").seq
    assert house.store.chats.get_message(KITCHEN, seq).external_id == "m"
    with pytest.raises(NotFound):
        house.store.chats.get_message(KITCHEN, Seq(seq + 1))
