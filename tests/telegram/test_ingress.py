"""`/v1/telegram/ingress`: everything is stored, one rule decides, a broken store is no refusal."""

from __future__ import annotations

from typing import Any

import pytest

from intercomd.domain.chat import MessageKind
from intercomd.domain.ids import ChatJid
from intercomd.domain.mailbox import ChatStored, CommandStored
from tests.telegram.conftest import Daemon

FAMILY = ChatJid("tg:-100")
BODY = {
    "chat_jid": FAMILY,
    "chat_name": "Family",
    "chat_type": "supergroup",
    "message_id": "7",
    "sender_id": "42",
    "sender_name": "Uma",
    "content": "hello",
    "timestamp": "2026-01-31T12:00:00.000Z",
}
NO_PARITY = {
    "trigger_required": False,
    "trigger_present": False,
    "runtime_profile_found": False,
    "runtime_fallback_used": False,
    "model_fallback_used": False,
}


def take_in(daemon: Daemon, **changes: Any) -> dict[str, Any]:
    return daemon.ask("ingress", BODY | changes)


def test_unknown_chat_is_recorded_and_refused(daemon: Daemon) -> None:
    """The chat and its text are in the store, so the chat can be registered; the answer is the known one (B-93)."""
    answer = take_in(daemon)
    assert list(answer) == [
        *("accepted", "reason", "normalized_content", "group_name", "group_folder", "runtime", "model", "parity")
    ]
    assert answer == {
        "accepted": False,
        "reason": "unregistered_group",
        "normalized_content": "hello",
        "group_name": None,
        "group_folder": None,
        "runtime": None,
        "model": None,
        "parity": NO_PARITY,
    }
    (chat,) = daemon.store.chats.list_chats()
    assert (chat.jid, chat.name, chat.channel, chat.is_group) == (FAMILY, "Family", "telegram", True)
    assert [message.content for message in daemon.store.chats.recent(FAMILY, 5)] == ["hello"]


@pytest.mark.parametrize("persist", [True, False])
def test_text_without_the_trigger_is_context(daemon: Daemon, persist: bool) -> None:
    """It is refused as before and stored whatever `persist` says; runtime and model are those of the group (§19)."""
    daemon.register(FAMILY, "family", runtime="gemini")
    answer = take_in(daemon, persist=persist)
    assert (answer["accepted"], answer["reason"]) == (False, "trigger_required")
    assert (answer["group_name"], answer["group_folder"]) == ("Group family", "family")
    assert (answer["runtime"], answer["model"]) == ("gemini", "gemini-3.1-pro")
    assert answer["parity"] == NO_PARITY | {
        "trigger_required": True,
        "runtime_profile_found": True,
        "model_fallback_used": True,
    }
    (message,) = daemon.store.chats.recent(FAMILY, 5)
    assert message.kind is MessageKind.CONTEXT


def test_request_is_accepted_and_wakes_the_loop(daemon: Daemon) -> None:
    """What the answer calls accepted is what the store calls a request, and the message loop hears of it."""
    daemon.register(FAMILY, "family", model="claude-sonnet-4-6")
    answer = take_in(daemon, content="@Ada hello")
    assert (answer["accepted"], answer["reason"], answer["normalized_content"]) == (True, None, "@Ada hello")
    assert (answer["runtime"], answer["model"]) == ("claude", "claude-sonnet-4-6")
    assert answer["parity"]["trigger_present"]
    assert daemon.message_loop.wait_for_count(1) == [ChatStored(FAMILY)]
    progress = daemon.store.groups.find_by_jid(FAMILY)
    assert progress is not None
    assert progress.has_pending


@pytest.mark.parametrize(
    ("content", "accepted"),
    [("@ada, hi", True), ("@Adafoo hi", False), ("hello @Ada", False), ("hey! do it", True), ("hey!do", True)],
)
def test_trigger_is_the_one_rule(daemon: Daemon, content: str, accepted: bool) -> None:
    """Ingress and message loop agree: what is accepted is a request, and nothing else is (hazard B-103)."""
    daemon.register(FAMILY, "family", trigger="hey!")
    assert take_in(daemon, content=content)["accepted"] is accepted
    (message,) = daemon.store.chats.recent(FAMILY, 5)
    assert (message.kind is MessageKind.REQUEST) is accepted


def test_main_group_needs_no_trigger(daemon: Daemon) -> None:
    """An unknown runtime falls back to the default one, and the answer says so."""
    daemon.register(FAMILY, "main", runtime="gone")
    answer = take_in(daemon)
    assert (answer["accepted"], answer["runtime"], answer["model"]) == (True, "claude", "claude-opus-4-6")
    assert answer["parity"] == NO_PARITY | {
        "trigger_present": True,
        "runtime_fallback_used": True,
        "model_fallback_used": True,
    }


def test_command_goes_to_commands(daemon: Daemon) -> None:
    """`/new` works although the host does not know it; any other slash text is ordinary (hazard B-96)."""
    daemon.register(FAMILY, "main")
    take_in(daemon, content="/new")
    assert daemon.commands.wait_for_count(1) == [CommandStored(FAMILY, daemon.store.chats.recent(FAMILY, 1)[0].seq)]
    take_in(daemon, content="/etc/hosts is broken", message_id="8")
    assert daemon.store.chats.recent(FAMILY, 1)[0].kind is MessageKind.REQUEST


def test_same_message_again_is_stored_once(daemon: Daemon) -> None:
    """The host repeats what it had no answer to; the second answer is the same."""
    daemon.register(FAMILY, "main")
    assert take_in(daemon) == take_in(daemon)
    assert len(daemon.store.chats.recent(FAMILY, 5)) == 1


def test_private_chat_is_no_group(daemon: Daemon) -> None:
    """Only the type `private` is a chat of two; a missing name is the JID, a missing sender `Unknown`."""
    take_in(daemon, chat_jid="tg:9", chat_type="private", chat_name=None, sender_id=None, sender_name=None)
    (chat,) = daemon.store.chats.list_chats()
    assert (chat.name, chat.is_group) == ("tg:9", False)
    (message,) = daemon.store.chats.recent(ChatJid("tg:9"), 5)
    assert (message.sender, message.sender_name) == ("", "Unknown")


def test_broken_store_is_an_error(daemon: Daemon) -> None:
    """Never `accepted: false`: the host would drop the message (hazard B-94)."""
    daemon.store.close()
    status, problem = daemon.post("ingress", BODY)
    assert status == 503
    assert "accepted" not in problem


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"timestamp": "yesterday"}, "timestamp"),
        ({"timestamp": ""}, "timestamp"),
        ({"timestamp": "0001-01-01T00:00:00+14:00"}, "timestamp"),
        ({"message_id": " "}, "message_id"),
        ({"chat_jid": "@channel"}, "chat_jid"),
        ({"content": 5}, "content"),
    ],
)
def test_malformed_text_names_its_field(daemon: Daemon, changes: dict[str, object], field: str) -> None:
    """422 with the field's path; nothing is stored."""
    status, problem = daemon.post("ingress", BODY | changes)
    assert (status, problem["field"]) == (422, field)
    assert daemon.store.chats.list_chats() == []
