"""How a daemon ends: what is in hand is finished, the service manager is told, nothing of ours lives on."""

from __future__ import annotations

import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.conftest import MakeDaemon
from tests.support.daemon_log import WAIT_SECONDS

pytestmark = pytest.mark.full


def test_drain_lets_the_run_in_flight_finish(make_daemon: MakeDaemon) -> None:
    """SIGTERM: the answer being worked on is still delivered, then the daemon ends with 0 (hazard B-105)."""
    daemon = make_daemon()
    daemon.start()
    daemon.client.say("kitchen", "!slow 1 finished")
    daemon.wait_for_log("run.started", folder="kitchen")
    assert daemon.terminate() == 0
    assert daemon.agents() == set()
    daemon.start()
    assert daemon.client.replies("kitchen") == ["finished"]
    (run,) = daemon.client.runs("kitchen")
    assert run["outcome"] == "succeeded"


def test_drain_takes_nothing_new(make_daemon: MakeDaemon) -> None:
    """What is said while the daemon drains is stored and answered by the next one, once (hazards B-09, B-105)."""
    daemon = make_daemon()
    daemon.start()
    daemon.client.say("kitchen", "!slow 1 first")
    daemon.wait_for_log("run.started", folder="kitchen")
    daemon.send_signal(signal.SIGTERM)
    daemon.wait_for_log("orchestrator.state", state="draining")
    daemon.client.say("bath", "second")
    assert daemon.client.get("/healthz")
    assert daemon.client.request("GET", "/readyz").status == 503
    assert daemon.wait_for_exit() == 0
    assert not daemon.log.events("run.started", folder="bath")
    daemon.start()
    assert daemon.client.wait_for_replies("bath", 1) == ["second"]
    assert daemon.client.replies("kitchen") == ["first"]


def test_run_that_outlasts_the_grace_is_run_again(make_daemon: MakeDaemon) -> None:
    """After the grace period the sandbox is killed; its request counts no try and the next daemon answers it."""
    daemon = make_daemon({"orchestrator": {"enabled": True, "grace_ms": 300}})
    daemon.start()
    daemon.client.say("kitchen", "!slow 2 finished")
    daemon.wait_for_log("run.started", folder="kitchen")
    assert daemon.terminate() == 0
    assert daemon.agents() == set()
    daemon.start()
    assert daemon.client.wait_for_replies("kitchen", 1) == ["finished"]
    first, second = daemon.client.runs("kitchen")
    assert (first["outcome"], second["attempt"]) == ("drained", first["attempt"])


def test_second_signal_ends_the_grace(make_daemon: MakeDaemon) -> None:
    """Who presses Ctrl-C twice does not wait; nothing is lost all the same."""
    daemon = make_daemon({"orchestrator": {"enabled": True, "grace_ms": 600_000}})
    daemon.start()
    daemon.client.say("kitchen", "!hang")
    daemon.wait_for_log("run.started", folder="kitchen")
    daemon.send_signal(signal.SIGINT)
    daemon.wait_for_log("orchestrator.state", state="draining")
    daemon.send_signal(signal.SIGINT)
    assert daemon.wait_for_exit() == 0
    assert daemon.log.events("orchestrator.drain_by_force")
    assert daemon.agents() == set()
    daemon.start()
    assert daemon.client.get("/v1/groups/kitchen")["has_pending"]


def test_request_in_flight_is_answered_while_stopping(make_daemon: MakeDaemon) -> None:
    """A reader that waits for news gets an answer at the stop instead of a cut connection."""
    daemon = make_daemon()
    daemon.start()
    daemon.client.say("kitchen", "!slow 0.5 finished")
    daemon.wait_for_log("run.started", folder="kitchen")
    waiting = daemon.client.connect()
    waiting.request("GET", "/v1/local/chats/quiet/updates?wait=30")
    daemon.send_signal(signal.SIGTERM)
    assert waiting.getresponse().status == 200
    waiting.close()
    assert daemon.wait_for_exit() == 0


def test_sigusr1_writes_every_threads_stack(make_daemon: MakeDaemon) -> None:
    """A daemon that seems stuck can be asked what it does, and goes on."""
    daemon = make_daemon()
    daemon.start()
    daemon.send_signal(signal.SIGUSR1)
    daemon.log.wait_for_line("Current thread")
    assert daemon.client.ask("kitchen", "hello") == "hello"


def test_service_manager_is_told(make_daemon: MakeDaemon, notifications: socket.socket) -> None:
    """READY comes when the API answers, WATCHDOG while supervision makes progress, STOPPING before the drain."""
    daemon = make_daemon(NOTIFY_SOCKET=notifications.getsockname(), WATCHDOG_USEC="600000")
    daemon.launch()
    assert notifications.recv(4096).startswith(b"READY=1\n")
    assert daemon.log.events("api.listening")
    daemon.wait_for_log("daemon.ready")
    assert notifications.recv(4096) == b"WATCHDOG=1"
    daemon.send_signal(signal.SIGTERM)
    said = [notifications.recv(4096)]
    while said[-1] == b"WATCHDOG=1":
        said.append(notifications.recv(4096))
    assert said[-1].startswith(b"STOPPING=1\n")
    assert daemon.wait_for_exit() == 0


@pytest.fixture
def notifications(tmp_path: Path) -> Iterator[socket.socket]:
    """What systemd would listen on."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "notify"))
        listener.settimeout(WAIT_SECONDS)
        yield listener
