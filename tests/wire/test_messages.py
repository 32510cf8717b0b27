"""Storing and reading chat messages over the wire."""

from __future__ import annotations

import threading

import pytest

from intercomd.domain.ids import ChatJid, Seq
from intercomd.domain.mailbox import ChatStored, CommandStored
from tests.support.waiting import join
from tests.wire.conftest import Wire, texts
from tests.wire.table import JID

NINE = "2024-01-15T09:00:00.000Z"
TEN = "2024-01-15T10:00:00.000Z"
WRITERS = 3
TEXTS_EACH = 30


def test_stored_message_is_a_request_of_its_group_and_wakes_the_loop(wire: Wire) -> None:
    """B-32: what is stored over the wire is ingested: classified by our rule, and the message loop hears of it."""
    wire.register(JID, "family", requires_trigger=False)
    wire.say("m1", "hello", TEN)
    progress = wire.store.groups.find_by_jid(ChatJid(JID))
    assert progress is not None
    assert progress.has_pending
    wire.api.message_loop.wait_for(lambda item: item == ChatStored(ChatJid(JID)), "the loop is woken")


def test_stored_message_stays_context_without_the_trigger(wire: Wire) -> None:
    """B-93: what asks for nothing is stored all the same, in chats nobody registered too."""
    wire.register(JID, "family", trigger="@Ada")
    wire.say("m1", "hello", TEN)
    wire.say("m2", "hello", TEN, jid="tg:77")
    assert not wire.store.groups.list_ready(wire.api.services.clock.now(), 10)
    assert [chat["jid"] for chat in wire.ask("/chats/all")] == [JID, "tg:77"]


def test_stored_message_is_stored_once_and_edited_by_a_repeat(wire: Wire) -> None:
    """The key is chat and id: a repeat keeps its place, draws no new one, and brings the newer text."""
    wire.register(JID, "family", requires_trigger=False)
    for content in ("helo", "helo", "hello"):
        wire.say("m1", content, TEN)
    assert texts(wire.read_new([JID])) == ["hello"]
    assert wire.store.chats.history(ChatJid(JID), Seq(0), 10)[0].seq == 1


def test_bot_message_is_known_by_its_flag(wire: Wire) -> None:
    """B-14: a bot message is never new to anybody and always part of the conversation."""
    wire.register(JID, "family", requires_trigger=False)
    wire.say("b1", "an answer", TEN, is_bot=True)
    assert texts(wire.read_new([JID])) == []
    assert wire.ask("/messages/conversation", {"chat_jid": JID}) == [
        {"sender_name": "Uma", "content": "an answer", "timestamp": TEN, "is_bot_message": True}
    ]
    assert not wire.store.groups.list_ready(wire.api.services.clock.now(), 10)


def test_command_is_answered_by_us_and_new_to_nobody(wire: Wire) -> None:
    """One rule for slash texts: ours go to Commands and not to those who read what is new; others are text."""
    wire.say("c1", "/status", TEN)
    wire.say("c2", "/etc/hosts is broken", TEN)
    wire.api.commands.wait_for(lambda item: item == CommandStored(ChatJid(JID), Seq(1)), "the command is hinted")
    assert texts(wire.read_new([JID])) == ["/etc/hosts is broken"]


@pytest.mark.parametrize("endpoint", ["new", "since"])
def test_prefix_hides_texts_that_begin_with_it_literally(wire: Wire, endpoint: str) -> None:
    """B-14: the caller's prefix is text and no pattern, its case counts, and an empty one hides nothing."""
    for number, content in enumerate(["A_B: one", "AxB: two", "a_b: three", ": four", "A_B five"]):
        wire.say(f"m{number}", content, TEN)

    def read(prefix: str) -> list[str]:
        if endpoint == "new":
            return texts(wire.read_new([JID], prefix=prefix))
        body = {"chat_jid": JID, "since_timestamp": "", "bot_prefix": prefix}
        return [message["content"] for message in wire.ask("/messages/since", body)]

    assert read("A_B") == ["AxB: two", "a_b: three", ": four", "A_B five"]
    assert len(read("")) == 5


def test_time_finer_than_a_millisecond_is_not_delivered_again(wire: Wire) -> None:
    """B-08: a cursor taken from an answer lies on its last row, whatever the sender's clock resolves."""
    wire.say("m1", "once", "2024-01-15T10:00:00.123456Z")
    first = wire.read_new([JID])
    assert texts(first) == ["once"]
    assert first["new_timestamp"] == "2024-01-15T10:00:00.123Z"
    again = wire.read_new([JID], first["new_timestamp"])
    assert (texts(again), again["new_timestamp"]) == ([], first["new_timestamp"])
    assert texts(wire.read_new([JID], "2024-01-15T10:00:00.122999Z")) == ["once"]


def test_no_chats_echo_the_time(wire: Wire) -> None:
    """An empty list reads nothing, and the time comes back as it was given."""
    assert wire.read_new([], "2024-01-15 12:00+02") == {
        "messages": [],
        "new_timestamp": "2024-01-15 12:00+02",
        "new_cursor": "e30",
    }


def test_cursor_finds_what_the_time_loses(wire: Wire) -> None:
    """B-06, B-07: a text of the same instant, and one that was sent earlier and arrives later."""
    wire.say("m1", "first", TEN)
    seen = wire.read_new([JID, "tg:2"])
    wire.say("m2", "same instant", TEN)
    wire.say("m3", "late", NINE, jid="tg:2")
    assert texts(wire.read_new([JID, "tg:2"], seen["new_timestamp"])) == []
    found = wire.read_new([JID, "tg:2"], seen["new_timestamp"], seen["new_cursor"])
    assert texts(found) == ["same instant", "late"]
    assert found["new_timestamp"] == TEN
    assert texts(wire.read_new([JID, "tg:2"], TEN, found["new_cursor"])) == []


def test_cursor_reads_a_chat_it_does_not_know_by_time(wire: Wire) -> None:
    """A chat that is new to the caller does not come with its whole history, unless asked for."""
    wire.say("m1", "first", TEN)
    cursor = wire.read_new([JID])["new_cursor"]
    wire.say("o1", "old", NINE, jid="tg:2")
    wire.say("o2", "newer", "2024-01-15T11:00:00Z", jid="tg:2")
    assert texts(wire.read_new([JID, "tg:2"], TEN, cursor)) == ["newer"]
    assert texts(wire.read_new([JID, "tg:2"], "", cursor)) == ["old", "newer"]


def test_cursor_remembers_chats_that_were_not_asked_for(wire: Wire) -> None:
    """Positions of other chats are handed on."""
    wire.say("m1", "first", TEN)
    cursor = wire.read_new([JID])["new_cursor"]
    cursor = wire.read_new(["tg:2"], cursor=cursor)["new_cursor"]
    assert texts(wire.read_new([JID], "", cursor)) == []


def test_cursor_hands_out_a_backlog_in_batches(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    """B-16: an answer has at most one batch, and nothing falls between two."""
    monkeypatch.setattr("intercomd.api.wire.messages.CURSOR_BATCH", 3)
    cursor = wire.read_new([JID, "tg:2"])["new_cursor"]
    for number in range(4):
        wire.say(f"m{number}", f"a{number}", TEN)
        wire.say(f"m{number}", f"b{number}", TEN, jid="tg:2")
    batches: list[list[str]] = []
    while not batches or batches[-1]:
        found = wire.read_new([JID, "tg:2"], cursor=cursor)
        batches.append(texts(found))
        cursor = found["new_cursor"]
    assert batches == [["a0", "a1", "a2"], ["b0", "b1", "a3"], ["b2", "b3"], []]


def test_since_answers_with_a_cursor_when_it_was_sent_one(wire: Wire) -> None:
    """An empty cursor asks for the first; the array of the wire stays for those who send none."""
    wire.say("m1", "first", TEN)
    body = {"chat_jid": JID, "since_timestamp": "", "bot_prefix": "Ada"}
    first = wire.ask("/messages/since", body | {"cursor": ""})
    wire.say("m2", "late", NINE)
    assert (texts(first), len(wire.ask("/messages/since", body))) == (["first"], 2)
    assert texts(wire.ask("/messages/since", body | {"cursor": first["new_cursor"]})) == ["late"]


def test_cursor_skips_and_repeats_nothing_while_others_write(wire: Wire) -> None:
    """Seq order is commit order: a reader that polls while three chats are written gets each text exactly once."""
    jids = [f"tg:{number}" for number in range(WRITERS)]
    cursor = wire.read_new(jids)["new_cursor"]

    def write(jid: str) -> None:
        for number in range(TEXTS_EACH):
            wire.say(f"m{number}", f"{jid} {number}", TEN, jid=JID if number % 3 == 0 else jid)

    writers = [threading.Thread(target=write, args=(jid,)) for jid in jids]
    for writer in writers:
        writer.start()
    found: list[str] = []
    is_last = False
    while not is_last:
        is_last = not any(writer.is_alive() for writer in writers)
        answer = wire.read_new(jids, cursor=cursor)
        cursor = answer["new_cursor"]
        found += texts(answer)
    for writer in writers:
        join(writer)
    wanted = [f"{jid} {number}" for jid in jids for number in range(TEXTS_EACH) if number % 3]
    assert sorted(found) == sorted(wanted)
    for jid in jids:
        assert [text for text in found if text.startswith(jid)] == [text for text in wanted if text.startswith(jid)]


@pytest.mark.parametrize("cursor", ["?", "e", "bm8ganNvbg", "W10", "eyJ0ZzoxIjotMX0", "eyJ0ZzoxIjoiMSJ9", "ü"])
def test_cursor_that_is_none_of_ours_is_refused(wire: Wire, cursor: str) -> None:
    """Not base64, not JSON, not an object of positions: 422 for the field."""
    body = {"jids": [JID], "last_timestamp": "", "bot_prefix": "", "cursor": cursor}
    assert wire.refused("/messages/new", body, 422)["field"] == "cursor"


def test_cursor_ahead_of_the_store_is_refused(wire: Wire) -> None:
    """After a backup was restored a position may lie ahead: going on silently would skip what is stored next."""
    wire.say("m1", "first", TEN)
    body = {"jids": [JID], "last_timestamp": "", "bot_prefix": "", "cursor": "eyJ0ZzotMTAwMSI6M30"}
    problem = wire.refused("/messages/new", body, 422)
    assert problem["field"] == "cursor"
    assert "backup" in problem["detail"]


@pytest.mark.parametrize("time", ["yesterday", "2024-13-01T00:00:00Z", "1705312800", "9999-12-31T23:59:59-01:00"])
def test_time_that_cannot_be_read_is_the_callers_error(wire: Wire, time: str) -> None:
    """B-17: 422 with the field and the text, not a label that looks like an outage."""
    body = {"jids": [JID], "last_timestamp": time, "bot_prefix": ""}
    problem = wire.refused("/messages/new", body, 422)
    assert problem["field"] == "last_timestamp"
    assert time in problem["detail"]


@pytest.mark.parametrize("jid", ["@channel", "tg:abc", "tg:1 2", "kitchen", ""])
def test_message_for_what_is_no_chat_is_refused(wire: Wire, jid: str) -> None:
    """B-124: nothing is stored, and later answered, at an address that no channel of ours has."""
    body = {"id": "1", "chat_jid": jid, "sender": "", "sender_name": "", "content": "x", "timestamp": ""}
    assert wire.refused("/messages", body, 422)["field"] == "chat_jid"
    assert wire.ask("/chats/all") == []


def test_conversation_is_the_newest_by_time_oldest_first(wire: Wire) -> None:
    """20 when nothing is asked for; empty texts are left out."""
    for number in range(22):
        wire.say(f"m{number}", "" if number == 21 else str(number), f"2024-01-15T10:00:{number:02d}Z")
    found = wire.ask("/messages/conversation", {"chat_jid": JID})
    assert [message["content"] for message in found] == [str(number) for number in range(1, 21)]
    assert wire.ask("/messages/conversation", {"chat_jid": JID, "limit": 0}) == []
    assert wire.refused("/messages/conversation", {"chat_jid": JID, "limit": -1}, 422)["field"] == "limit"
