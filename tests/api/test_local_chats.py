"""Chatting over HTTP."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from intercomd.domain.ids import ChatJid, RunId, Seq
from intercomd.domain.mailbox import ChatStored, CommandStored, LiveText
from tests.api.conftest import Api
from tests.support.waiting import Probe, join

MAIN = "/v1/local/chats/main"
JID = ChatJid("local:main")


class Reader:
    """A long poll in a thread of its own."""

    def __init__(self, api: Api, query: str, answers: Probe[dict[str, Any]] | None = None) -> None:
        self.answers: Probe[dict[str, Any]] = answers or Probe()
        self._thread = threading.Thread(
            target=lambda: self.answers.record(api.get(f"{MAIN}/updates?{query}")), daemon=True
        )
        self._thread.start()

    def answer(self) -> dict[str, Any]:
        join(self._thread)
        return self.answers.values[0]


def test_message_is_stored_once_when_it_is_sent_twice(api: Api) -> None:
    """The client's id makes a repeated request a no-op with the same answer (hazard B-95)."""
    body = {"text": "hello", "id": "m-1", "sender_name": "Ann"}
    first = api.call("POST", f"{MAIN}/messages", body).json
    second = api.call("POST", f"{MAIN}/messages", body).json
    assert first == {"jid": "local:main", "seq": 1, "kind": "request", "is_new": True, "folder": "main"}
    assert second == first | {"is_new": False}
    found = api.get(f"{MAIN}/updates")
    assert [(message["text"], message["sender_name"]) for message in found["messages"]] == [("hello", "Ann")]
    assert found["last_seq"] == 1


def test_message_hints_the_loop_and_a_command_the_commands(api: Api) -> None:
    """What was stored is announced to whoever acts on it."""
    api.call("POST", f"{MAIN}/messages", {"text": "hello"})
    assert api.message_loop.wait_for_count(1) == [ChatStored(JID)]
    assert api.call("POST", f"{MAIN}/messages", {"text": "/ping"}).json["kind"] == "command"
    assert api.commands.wait_for_count(1) == [CommandStored(JID, Seq(2))]
    assert api.message_loop.values == [ChatStored(JID)]


def test_chats_are_listed(api: Api) -> None:
    """Each chat that was written to, whatever its letters."""
    api.call("POST", f"{MAIN}/messages", {"text": "hello"})
    api.call("POST", "/v1/local/chats/k%C3%BCche/messages", {"text": "hallo"})
    assert {chat["name"] for chat in api.get("/v1/local/chats")["chats"]} == {"main", "küche"}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"text": " \n"}, "text"),
        ({"text": "x", "id": ""}, "id"),
        ({"text": "x", "id": "i" * 200}, "id"),
        ({"text": "x", "sender_name": "n" * 100}, "sender_name"),
        ({"text": None}, "text"),
    ],
)
def test_wrong_message_is_refused(api: Api, body: dict[str, object], field: str) -> None:
    """Nothing is stored and no group registered."""
    problem = api.call("POST", f"{MAIN}/messages", body).problem
    assert (problem["status"], problem["field"]) == (422, field)
    assert api.store.chats.list_chats() == []
    assert api.store.groups.count() == 0


def test_waiting_reader_gets_the_message_when_it_is_stored(api: Api) -> None:
    """A long poll ends with the message, not with its time-out."""
    reader = Reader(api, "wait=30")
    api.call("POST", f"{MAIN}/messages", {"text": "hello"})
    assert [message["text"] for message in reader.answer()["messages"]] == ["hello"]


def test_waiting_reader_gets_the_live_text_when_it_changes(api: Api) -> None:
    """Streamed text ends the wait; a reader that has seen this version waits for the next."""
    reader = Reader(api, "wait=30")
    api.tell_sender(LiveText(JID, RunId("r"), "Hel", None))
    first = reader.answer()
    assert first["live"] == {"text": "Hel", "tool": None}
    assert first["messages"] == []
    again = Reader(api, f"wait=30&live={first['live_version']}")
    api.tell_sender(LiveText(JID, RunId("r"), "", None))
    assert again.answer()["live"] is None


def test_readers_beyond_the_limit_answer_at_once(api: Api) -> None:
    """Two of four workers may wait; further readers are answered at once, with nothing."""
    answers: Probe[dict[str, Any]] = Probe()
    for _ in range(6):
        Reader(api, "wait=30", answers)
    assert [answer["messages"] for answer in answers.wait_for_count(4)] == [[]] * 4
    api.call("POST", f"{MAIN}/messages", {"text": "hello"})
    assert all(answer["messages"] for answer in answers.wait_for_count(6)[4:])


def test_waiting_reader_is_answered_when_the_server_stops(api: Api) -> None:
    """A stop does not wait for long polls."""
    reader = Reader(api, "wait=30")
    api.board.release()
    assert reader.answer()["messages"] == []
