"""Two daemons on one store: one works, the other stands by and takes over."""

from __future__ import annotations

import signal

import pytest

from tests.integration.conftest import MakeDaemon
from tests.support.daemon import DaemonProcess, Settings

pytestmark = pytest.mark.full


@pytest.fixture
def pair(make_daemon: MakeDaemon, storage: Settings) -> tuple[DaemonProcess, DaemonProcess]:
    """Two daemons with one home; the first owns the duties."""
    settings = {**storage, "orchestrator": {"enabled": True, "lease_ms": 1_500}}
    first, second = make_daemon(settings), make_daemon(settings)
    first.start()
    first.wait_for_log("orchestrator.state", state="active")
    second.start()
    return first, second


def test_second_daemon_stands_by(pair: tuple[DaemonProcess, DaemonProcess]) -> None:
    """It says so, takes texts for the first to answer, and starts no run (hazards B-112, B-32)."""
    first, second = pair
    readiness = second.client.request("GET", "/readyz")
    assert readiness.status == 503
    assert b"standby" in readiness.body
    assert first.client.request("GET", "/readyz").status == 200
    assert second.client.ask("kitchen", "hello") == "hello"
    assert first.client.replies("kitchen") == ["hello"]
    assert not second.log.events("run.started")


def test_second_daemon_takes_over_from_a_killed_one(pair: tuple[DaemonProcess, DaemonProcess]) -> None:
    """It ends the agent that was left behind and answers what was open, nothing twice (hazards B-09, B-66, B-112)."""
    first, second = pair
    assert first.client.ask("bath", "before") == "before"
    first.client.say("kitchen", "!slow 1 finished")
    first.wait_for_log("run.started", folder="kitchen")
    first.kill()
    second.wait_for_log("orchestrator.state", state="active")
    assert second.client.wait_for_replies("kitchen", 1) == ["finished"]
    assert second.client.ask("bath", "after") == "after"
    assert second.client.replies("bath") == ["before", "after"]
    assert second.client.replies("kitchen") == ["finished"]
    epochs = [run["epoch"] for run in second.client.runs("kitchen")]
    assert epochs == sorted(set(epochs))
    assert len(epochs) == 2


def test_second_daemon_takes_over_from_a_stopped_one(pair: tuple[DaemonProcess, DaemonProcess]) -> None:
    """A daemon that ends gives its duties back, and the other does not wait for a time-out."""
    first, second = pair
    assert first.client.ask("kitchen", "before") == "before"
    assert first.terminate() == 0
    second.wait_for_log("orchestrator.state", state="active")
    assert second.client.ask("kitchen", "after") == "after"
    assert second.client.replies("kitchen") == ["before", "after"]


def test_frozen_daemon_loses_its_duties_and_stays_harmless(pair: tuple[DaemonProcess, DaemonProcess]) -> None:
    """A process that stands still is replaced; when it goes on it finds another owner, and neither answers twice
    (hazard B-112). One that is stopped inside a transaction keeps the lease's row until Postgres ends it."""
    first, second = pair
    assert first.client.ask("kitchen", "before") == "before"
    assert first.client.request("GET", "/readyz").status == 200
    first.send_signal(signal.SIGSTOP)
    second.wait_for_log("orchestrator.state", state="active", timeout_s=45)
    assert second.client.ask("kitchen", "meanwhile") == "meanwhile"
    first.send_signal(signal.SIGCONT)
    first.wait_for_log("orchestrator.state", state="standby", count=2)
    assert first.client.ask("kitchen", "after") == "after"
    assert second.client.replies("kitchen") == ["before", "meanwhile", "after"]
    assert len(second.client.runs("kitchen")) == 2
