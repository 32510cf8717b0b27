"""More groups than slots: all get their turn, in order, and nobody keeps a slot for nothing."""

from __future__ import annotations

import pytest

from tests.support.daemon import DaemonProcess, Settings, wait_until_gone
from tests.support.waiting import Logged

pytestmark = pytest.mark.full


@pytest.fixture(scope="module")
def settings() -> Settings:
    """Two slots, and sandboxes that wait a second for a further text."""
    return {
        "orchestrator": {
            "enabled": True,
            "max_concurrent_containers": 2,
            "idle_timeout_ms": 1_000,
            "poll_interval_ms": 60_000,
        }
    }


def test_groups_get_their_turn_longest_waiting_first(daemon: DaemonProcess) -> None:
    """Eight groups on two slots: every one is answered, in the order in which they asked (hazards B-18, B-26)."""
    chats = [f"line{number}" for number in range(8)]
    for chat in chats:
        daemon.client.say(chat, f"!slow 0.1 {chat}")
    for chat in chats:
        assert daemon.client.wait_for_replies(chat, 1) == [chat]
    started = [logged.fields["folder"] for logged in daemon.log.events("run.started")]
    turns = [folder for folder in started if folder in chats]
    assert [sorted(turns[at : at + 2]) for at in range(0, 8, 2)] == [chats[at : at + 2] for at in range(0, 8, 2)]
    assert most_at_once(daemon.log.events()) == 2


def test_waiting_group_takes_the_slot_of_an_idle_one(daemon: DaemonProcess) -> None:
    """A sandbox that has answered gives way at once instead of at its idle time-out, the longest idle one first
    (hazard B-26)."""
    assert daemon.client.ask("idle1", "one") == "one"
    assert daemon.client.ask("idle2", "two") == "two"
    assert daemon.client.ask("next", "three") == "three"
    ended = [logged.fields["folder"] for logged in daemon.log.events("run.ended")]
    assert "idle1" in ended
    assert "idle2" not in ended


def test_busy_group_does_not_starve_the_others(daemon: DaemonProcess) -> None:
    """A group that keeps writing stands in line again behind those who waited (hazard B-26)."""
    for chat in ("busy1", "busy2"):
        daemon.client.say(chat, f"!slow 0.3 {chat}")
        daemon.wait_for_log("run.started", folder=chat)
    daemon.client.say("patient", "my turn")
    for number in range(5):
        daemon.client.say("busy1", f"!slow 0.3 more {number}")
    assert daemon.client.wait_for_replies("patient", 1) == ["my turn"]
    assert len(daemon.client.replies("busy1")) <= 2
    daemon.client.say("busy1", "last")
    daemon.client.wait_for_replies("busy1", 2)


def test_idle_sandbox_closes_after_its_time(daemon: DaemonProcess) -> None:
    """Nobody waits and nothing comes: the sandbox ends by itself and its run counts as succeeded (hazard B-27)."""
    assert daemon.client.ask("closing", "hello") == "hello"
    daemon.wait_for_log("run.ended", folder="closing", outcome="succeeded")
    assert daemon.agents("closing") == set()
    assert daemon.client.ask("closing", "again") == "again"
    first, second = daemon.client.runs("closing")
    assert first["outcome"] == "succeeded"
    assert second["run_id"] != first["run_id"]


def test_follow_up_goes_into_the_live_run(daemon: DaemonProcess) -> None:
    """A message that comes while the agent is there needs no new sandbox: working or idle, it is answered by the same
    run and session (hazards B-12, B-19, B-21)."""
    daemon.client.say("talk", "!slow 0.3 first")
    daemon.wait_for_log("run.started", folder="talk")
    daemon.client.say("talk", "second")
    assert daemon.client.wait_for_replies("talk", 2) == ["first", "second"]
    assert daemon.client.ask("talk", "third") == "third"
    (run,) = daemon.client.runs("talk")
    assert run["outcome"] is None


def test_hint_and_not_the_poll_starts_a_run(daemon: DaemonProcess) -> None:
    """No timer is on the way of a message: these tests poll once a minute, and each reply came at once."""
    assert daemon.client.ask("hinted", "hello", timeout_s=5) == "hello"


def test_nothing_of_a_sandbox_lives_longer_than_its_run(daemon: DaemonProcess) -> None:
    """When a run has ended, its processes have."""
    daemon.client.say("ends", "!exit 3")
    started = daemon.wait_for_log("run.started", folder="ends")
    daemon.wait_for_log("run.ended", folder="ends")
    wait_until_gone([int(str(started.fields["pid"]))], timeout_s=0)


def most_at_once(events: list[Logged]) -> int:
    """The greatest number of runs between their start and their end."""
    most = live = 0
    for logged in events:
        live += {"run.started": 1, "run.ended": -1}.get(logged.event, 0)
        most = max(most, live)
    return most
