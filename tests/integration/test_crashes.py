"""`kill -9` of the daemon at every point of a message's way: each message still has exactly one outcome.

The daemon is held at the point to be tested by a trigger in its database, so that the kill comes neither sooner nor
later; killing it breaks the hold.
"""

from __future__ import annotations

import pytest

from tests.integration.conftest import MakeDaemon
from tests.integration.holding import StateHold
from tests.support.daemon import DaemonProcess, Settings, wait_until_gone

pytestmark = pytest.mark.full


def test_request_is_answered_once_after_a_kill_while_the_agent_works(
    make_daemon: MakeDaemon, storage: Settings
) -> None:
    """The run of a dead daemon is an orphan: its agent is ended, and its request is run again (hazards B-09, B-66)."""
    daemon = make_daemon(storage)
    daemon.start()
    daemon.client.say("kitchen", "!slow 1 finished")
    started = daemon.wait_for_log("run.started", folder="kitchen")
    daemon.kill()
    daemon.start()
    wait_until_gone([int(str(started.fields["pid"]))])
    assert daemon.client.wait_for_replies("kitchen", 1) == ["finished"]
    orphan, second = daemon.client.runs("kitchen")
    assert (orphan["outcome"], second["attempt"]) == ("orphaned", orphan["attempt"])
    assert_settled(daemon, "kitchen", ["finished"])


def test_isolated_agent_dies_with_its_daemon(make_daemon: MakeDaemon) -> None:
    """bubblewrap leaves no orphan, with or without a next daemon; its request is run again (hazards B-09, B-66)."""
    daemon = make_daemon({"sandbox": {"engine": "bubblewrap"}})
    daemon.start()
    daemon.client.say("kitchen", "!slow 3 finished")
    daemon.wait_for_log("run.started", folder="kitchen")
    agents = daemon.agents("kitchen")
    assert agents
    daemon.kill()
    wait_until_gone(agents)
    daemon.start()
    assert daemon.client.wait_for_replies("kitchen", 1) == ["finished"]
    assert_settled(daemon, "kitchen", ["finished"])


def test_recorded_reply_is_sent_once_after_a_kill_before_its_delivery(
    make_daemon: MakeDaemon, storage: Settings
) -> None:
    """What an agent said is in the store before anything else happens with it: the request is not run again, and its
    reply goes out after the restart (hazards B-09, B-38)."""
    daemon = make_daemon(storage)
    daemon.start()
    daemon.client.say("kitchen", "hello there")
    assert daemon.client.wait_for_replies("kitchen", 1) == ["hello there"]
    with StateHold(daemon, "sending"):
        daemon.client.say("kitchen", "second")
        daemon.wait_for_log("run.recorded", folder="kitchen", count=2)
        daemon.kill()
    daemon.start()
    assert daemon.client.wait_for_replies("kitchen", 2) == ["hello there", "second"]
    assert len(daemon.client.runs("kitchen")) == 1
    assert_settled(daemon, "kitchen", ["hello there", "second"])


def test_reply_is_sent_once_after_a_kill_while_it_was_being_sent(make_daemon: MakeDaemon, storage: Settings) -> None:
    """A row left in sending is taken over by the next owner; a channel that can tell repeats shows it once
    (hazards B-38, B-41)."""
    daemon = make_daemon(storage)
    daemon.start()
    with StateHold(daemon, "sent"):
        daemon.client.say("kitchen", "hello")
        daemon.wait_for_log("outbox.claimed")
        daemon.kill()
    daemon.start()
    assert daemon.client.wait_for_replies("kitchen", 1) == ["hello"]
    assert_settled(daemon, "kitchen", ["hello"])


def test_follow_up_is_answered_after_a_kill(make_daemon: MakeDaemon, storage: Settings) -> None:
    """The first answer covers its own message only: a follow-up in hand at the crash is run again (hazard B-12)."""
    daemon = make_daemon(storage)
    daemon.start()
    assert daemon.client.ask("kitchen", "first") == "first"
    daemon.client.say("kitchen", "!slow 1 second")
    daemon.wait_for_log("run.follow_up", folder="kitchen")
    daemon.kill()
    daemon.start()
    assert daemon.client.wait_for_replies("kitchen", 2) == ["first", "second"]
    assert_settled(daemon, "kitchen", ["first", "second"])


def test_messages_in_many_chats_survive_kills_in_a_row(make_daemon: MakeDaemon, storage: Settings) -> None:
    """Wherever the kills fall, every message of every chat is answered, none twice (hazards B-09, B-38, B-66)."""
    chats = [f"room{number}" for number in range(12)]
    daemon = make_daemon(storage)
    daemon.start()
    for chat in chats:
        daemon.client.say(chat, f"!slow 0.05 {chat}")
    for answered in (1, 3, 5):
        daemon.wait_for_log("run.idle", count=answered)
        daemon.kill()
        daemon.start()
    for chat in chats:
        assert daemon.client.wait_for_replies(chat, 1) == [chat]
    for chat in chats:
        assert_settled(daemon, chat, [chat])


def assert_settled(daemon: DaemonProcess, chat: str, replies: list[str]) -> None:
    """These replies and no others, nothing pending, nothing on its way."""
    assert daemon.client.replies(chat) == replies
    assert [row["state"] for row in daemon.client.outbox(chat)] == ["sent"] * len(replies)
    assert not daemon.client.get(f"/v1/groups/{chat}")["has_pending"]
