"""Slash commands in a chat of the running daemon."""

from __future__ import annotations

import time

import pytest

from tests.support.daemon import DaemonProcess, wait_until_gone

pytestmark = pytest.mark.full

KILL_SECONDS = 2.0


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("/stop", "Stopped."),
        ("/reset", "Session cleared."),
        ("/new", "Session cleared."),
        ("/model gemini-3.1-pro", "Switched"),
    ],
)
def test_cancel_kills_the_sandbox_and_its_text_is_never_sent(daemon: DaemonProcess, command: str, said: str) -> None:
    """The command answers at once, the agent is dead within two seconds, and what it was about to say is gone
    (hazards B-21, B-28, B-34)."""
    chat = "cancel" + command.split()[0].strip("/")
    daemon.client.say(chat, "!slow 0.8 too late")
    started = daemon.wait_for_log("run.started", folder=chat)
    began = time.monotonic()
    assert daemon.client.ask(chat, command).startswith(said)
    wait_until_gone([int(str(started.fields["pid"]))], KILL_SECONDS)
    assert time.monotonic() - began < KILL_SECONDS
    daemon.wait_for_log("run.ended", folder=chat, outcome="stopped", ending="done")
    progress = daemon.client.get(f"/v1/groups/{chat}")
    assert (progress["has_pending"], progress["attempts"]) == (False, 0)
    assert len(daemon.client.replies(chat)) == 1


def test_stop_keeps_the_session_and_reset_clears_it(daemon: DaemonProcess) -> None:
    """/status shows the session that the next run resumes; only /reset begins a fresh one (hazard B-29)."""
    daemon.client.ask("session", "hello")
    known = session_line(daemon, "session")
    assert "`" in known
    daemon.client.ask("session", "/stop")
    assert session_line(daemon, "session") == known
    daemon.client.ask("session", "/reset")
    assert session_line(daemon, "session") == "Session: _none_"
    daemon.client.ask("session", "hello again")
    assert session_line(daemon, "session") not in {known, "Session: _none_"}


def test_status_tells_whether_the_agent_works(daemon: DaemonProcess) -> None:
    """/status is answered from the store while the agent works, and does not end it (hazard B-34)."""
    daemon.client.say("status", "!slow 0.5 worked")
    daemon.wait_for_log("run.started", folder="status")
    assert "Container: active" in daemon.client.ask("status", "/status")
    assert daemon.client.wait_for_replies("status", 2)[1] == "worked"
    daemon.client.ask("status", "/stop")
    daemon.wait_for_log("run.ended", folder="status")
    assert "Container: idle" in daemon.client.ask("status", "/status")


def test_text_not_handed_over_survives_a_cancel(daemon: DaemonProcess) -> None:
    """/stop settles what the agent was given; a request written after it is answered (hazard B-28)."""
    daemon.client.say("after", "!hang")
    daemon.wait_for_log("run.started", folder="after")
    assert daemon.client.ask("after", "/stop") == "Stopped."
    assert daemon.client.ask("after", "and this?") == "and this?"


def test_retry_without_a_failure_says_so(daemon: DaemonProcess) -> None:
    """There is nothing to run again after an answer."""
    daemon.client.ask("fine", "hello")
    assert daemon.client.ask("fine", "/retry")== "There is nothing to retry."
    assert daemon.client.replies("fine")[0] == "hello"


def test_model_lists_and_refuses_what_it_does_not_know(daemon: DaemonProcess) -> None:
    """A typo changes nothing (hazard B-122)."""
    daemon.client.ask("model", "hello")
    assert "Current model" in daemon.client.ask("model", "/model")
    assert "No model is called" in daemon.client.ask("model", "/model opsu")
    assert daemon.client.get("/v1/groups/model")["model"] is None


def test_switched_model_is_kept_for_the_next_run(daemon: DaemonProcess) -> None:
    """The group has its runtime and model from then on (hazard B-67)."""
    daemon.client.ask("switch", "hello")
    assert daemon.client.ask("switch", "/model gemini-2.5-flash").startswith("Switched")
    group = daemon.client.get("/v1/groups/switch")
    assert (group["runtime"], group["model"]) == ("gemini", "gemini-2.5-flash")


def test_command_over_http_acts_on_the_real_run(daemon: DaemonProcess) -> None:
    """A client of the existing system asks for the effects and they are applied before the answer (hazard B-34)."""
    daemon.client.say("http", "!hang")
    started = daemon.wait_for_log("run.started", folder="http")
    answer = daemon.client.post("/v1/commands", {"chat_jid": "local:http", "command": "reset"})
    assert "KillContainer" in answer["effects"]
    wait_until_gone([int(str(started.fields["pid"]))], KILL_SECONDS)


def session_line(daemon: DaemonProcess, chat: str) -> str:
    status = daemon.client.ask(chat, "/status")
    return next(line for line in status.splitlines() if line.startswith("Session:"))
