"""Groups that come and go while the daemon runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.daemon import DaemonProcess, Settings

pytestmark = pytest.mark.full


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[DaemonProcess]:
    """A daemon that registers nobody by itself and looks for work once a minute only."""
    settings: Settings = {
        "channels.local": {"auto_register": False},
        "orchestrator": {"enabled": True, "poll_interval_ms": 60_000},
    }
    with DaemonProcess(tmp_path, settings) as running:
        running.wait_for_log("orchestrator.state", state="active")
        yield running


def register(daemon: DaemonProcess, name: str) -> None:
    daemon.client.post("/v1/groups", {"jid": f"local:{name}", "folder": name, "requires_trigger": False})


def test_group_registered_while_the_daemon_runs_is_answered(daemon: DaemonProcess) -> None:
    """No restart is needed, and what was said before the registration is context, not a request (hazard B-31)."""
    daemon.client.say("kitchen", "before")
    register(daemon, "kitchen")
    assert daemon.client.ask("kitchen", "after") == "after"
    assert daemon.client.replies("kitchen") == ["after"]


def test_group_removed_while_the_daemon_runs_is_left_alone(daemon: DaemonProcess) -> None:
    """What is said after the removal is stored and starts no run; others are answered as before (hazard B-31)."""
    register(daemon, "kitchen")
    register(daemon, "bath")
    assert daemon.client.ask("kitchen", "one") == "one"
    daemon.client.post("/v1/commands", {"chat_jid": "local:kitchen", "command": "stop"})
    daemon.wait_for_log("run.ended", folder="kitchen")
    assert daemon.client.request("DELETE", "/v1/groups/kitchen").status == 204
    daemon.client.say("kitchen", "two")
    assert daemon.client.ask("bath", "three") == "three"
    assert daemon.client.replies("kitchen") == ["one"]
    assert len(daemon.log.events("run.started", folder="kitchen")) == 1
