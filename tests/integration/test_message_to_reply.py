"""A chat message in, an agent's reply out, through every real part, on each store and in each sandbox."""

from __future__ import annotations

import pytest

from tests.integration.conftest import MakeDaemon
from tests.support.daemon import Settings

pytestmark = pytest.mark.full


@pytest.mark.parametrize("engine", ["process", "bubblewrap"])
def test_message_gets_its_reply(make_daemon: MakeDaemon, storage: Settings, engine: str) -> None:
    """What is written over HTTP is answered by an agent in a sandbox, stored, and still there after a restart
    (hazards B-01, B-02)."""
    daemon = make_daemon({**storage, "sandbox": {"engine": engine}})
    daemon.start()
    assert daemon.client.ask("kitchen", "hello") == "hello"
    assert daemon.client.ask("kitchen", "and again") == "and again"
    (run,) = daemon.client.runs("kitchen")
    assert run["sandbox"]["engine"] == engine
    assert daemon.terminate() == 0
    assert daemon.agents() == set()
    daemon.start()
    assert daemon.client.replies("kitchen") == ["hello", "and again"]


def test_reply_is_shown_while_it_is_written(make_daemon: MakeDaemon, storage: Settings) -> None:
    """Readers see what the agent does, and then the reply; the live text is gone with it."""
    daemon = make_daemon(storage)
    daemon.start()
    daemon.client.say("kitchen", "!tool search cats !slow 0.5 found")
    assert daemon.client.wait_for_live_text("kitchen")["tool"] == "search"
    assert daemon.client.wait_for_replies("kitchen", 1) == ["found"]
    daemon.wait_for_log("run.idle", folder="kitchen")
    assert daemon.client.get("/v1/local/chats/kitchen/messages")["live"] is None


def test_thoughts_are_kept_from_people(make_daemon: MakeDaemon, storage: Settings) -> None:
    """What an agent marks as internal is not sent; two results of one turn are two replies, in order."""
    daemon = make_daemon(storage)
    daemon.start()
    daemon.client.say("kitchen", "!internal !twice said")
    assert daemon.client.wait_for_replies("kitchen", 2) == ["said", "said"]
