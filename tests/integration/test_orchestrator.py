"""The orchestrator as an operator meets it: off, on, held, draining, failed; and the endpoints the flip relies on.

The first four are the tests of the plan for phase 5; they need no Postgres, and are repeated with one.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.integration.conftest import MakeDaemon
from tests.integration.pairs import intercomd
from tests.support.daemon import DaemonProcess, Settings
from tests.support.daemon_client import Answer

pytestmark = pytest.mark.full

OFF: Settings = {"orchestrator": {"enabled": False}}
READY_FIELDS = {
    "status": str,
    "runtime_profiles": int,
    "demarch_writes_restricted_to_main": bool,
    "telegram_bridge_enabled": bool,
    "postgres_connected": bool,
    "orchestrator_enabled": bool,
    "registered_groups": int,
    "active_containers": int,
    "orchestrator_state": str,
}


@pytest.fixture
def idle(make_daemon: MakeDaemon, storage: Settings) -> DaemonProcess:
    """A daemon with the flag off, on either store."""
    return make_daemon({**storage, **OFF}).start()


def test_serve_starts_with_orchestrator_disabled(idle: DaemonProcess) -> None:
    """Off is a state to be ready in, and says so (hazard B-106)."""
    ready = read_ready(idle, 200)
    assert ready["orchestrator_enabled"] is False
    assert ready["orchestrator_state"] == "idle"
    assert ready["postgres_connected"] is (idle.postgres_dsn is not None)
    assert not idle.log.events("run.started")


def test_healthz_and_readyz_endpoints(idle: DaemonProcess) -> None:
    """Both are JSON with the fields of the existing system."""
    health = idle.client.get("/healthz")
    assert (health["status"], health["service"]) == ("ok", "intercomd")
    assert isinstance(health["uptime_seconds"], int)
    ready = read_ready(idle, 200)
    assert {name: type(ready[name]) for name in READY_FIELDS} == READY_FIELDS


def test_command_effects_reset(idle: DaemonProcess) -> None:
    """`reset` answers with the session's end."""
    register(idle)
    answer = idle.client.post("/v1/commands", {**command("reset"), "session_id": "s-1"})
    assert "ClearSession" in answer["effects"]
    assert answer["text"].startswith("Session cleared.")


def test_command_effects_model_switch(idle: DaemonProcess) -> None:
    """`model` answers with the switch, and the group has it."""
    register(idle)
    switch = {**command("model"), "args": "gemini-3.1-pro", "current_model": "claude-opus-4-6"}
    answer = idle.client.post("/v1/commands", switch)
    assert {"SwitchModel": {"model_id": "gemini-3.1-pro", "runtime": "gemini"}} in answer["effects"]
    assert idle.client.get("/v1/groups/kitchen")["model"] == "gemini-3.1-pro"


def test_message_is_answered_from_a_bubblewrap_sandbox(make_daemon: MakeDaemon, storage: Settings) -> None:
    """Switched on, with the real store and a real sandbox: a message leads to a reply; pre-flight finds no fault."""
    daemon = make_daemon({**storage, "sandbox": {"engine": "bubblewrap"}}).start()
    assert daemon.client.ask("main", "hello") == "hello"
    (run,) = daemon.client.runs("main")
    assert run["sandbox"]["engine"] == "bubblewrap"
    ready = read_ready(daemon, 200)
    assert (ready["orchestrator_enabled"], ready["orchestrator_state"]) == (True, "active")
    report = intercomd(daemon, "preflight", "--json")
    checks = {check["name"]: check for check in json.loads(report.stdout)["checks"]}
    assert report.returncode == 0, report.stdout
    assert checks.keys() == {
        *("api", "store", "groups", "sessions", "lease", "hold", "sandbox", "runtimes", "secrets", "disk")
    }
    assert "bubblewrap ran a command" in checks["sandbox"]["evidence"]
    assert "ours" in checks["lease"]["evidence"]


def test_preflight_names_what_is_wrong(make_daemon: MakeDaemon) -> None:
    """No group, no program for the default runtime: each is told, exit code 1; secrets by name only."""
    daemon = make_daemon({**OFF, "runtimes": {"default_runtime": "claude"}}, ANTHROPIC_API_KEY="s3cret").start()
    report = intercomd(daemon, "preflight")
    assert report.returncode == 1
    failed = {line.split()[1] for line in report.stdout.splitlines() if line.startswith("FAILED")}
    assert failed == {"groups", "runtimes"}
    assert "ANTHROPIC_API_KEY in the environment" in report.stdout
    assert "s3cret" not in report.stdout


def test_hold_lets_the_run_in_flight_finish_and_outlives_the_daemon(
    make_daemon: MakeDaemon, storage: Settings
) -> None:
    """`disable` drains: the reply still goes out, the API answers meanwhile, new messages wait, also through a restart;
    `enable` has them answered within a second (hazards B-105, B-112)."""
    daemon = make_daemon(storage).start()
    daemon.client.say("kitchen", "!slow 1 finished")
    daemon.wait_for_log("run.started", folder="kitchen")
    begun = intercomd(daemon, "orchestrator", "disable", "--why", "a new disk")
    assert begun.returncode == 0
    assert "draining" in begun.stdout
    assert read_ready(daemon, 503)["orchestrator_state"] == "draining"
    daemon.client.say("bath", "later")
    assert intercomd(daemon, "orchestrator", "disable", "--why", "a new disk", "--wait").returncode == 0
    assert read_ready(daemon, 200)["orchestrator_state"] == "idle"
    assert daemon.client.replies("kitchen") == ["finished"]
    assert daemon.terminate() == 0
    daemon.start()
    assert "a new disk" in daemon.client.get("/v1/orchestrator?wait=5")["reason"]
    daemon.client.post("/v1/orchestrator", {"action": "enable"})
    assert daemon.client.wait_for_replies("bath", 1, timeout_s=2) == ["later"]
    assert not daemon.log.events("run.started", folder="kitchen")


def test_drain_that_takes_too_long_ends_by_force(make_daemon: MakeDaemon, storage: Settings) -> None:
    """After the seconds that the operator allows, the agent is killed; its request is answered after `enable`. Signals
    are heard meanwhile."""
    daemon = make_daemon(storage).start()
    daemon.client.say("kitchen", "!slow 3 finished")
    daemon.wait_for_log("run.started", folder="kitchen")
    agents = daemon.agents("kitchen")
    done = intercomd(daemon, "orchestrator", "disable", "--drain", "0.2", "--wait")
    assert done.returncode == 0, done.stdout
    assert agents.isdisjoint(daemon.agents("kitchen"))
    assert daemon.client.replies("kitchen") == []
    daemon.client.post("/v1/orchestrator", {"action": "enable"})
    assert daemon.client.wait_for_replies("kitchen", 1) == ["finished"]
    first, second = daemon.client.runs("kitchen")
    assert (first["outcome"], second["attempt"]) == ("drained", first["attempt"])


def test_stop_during_a_long_drain_is_heard(make_daemon: MakeDaemon) -> None:
    """A drain of ten minutes does not keep the daemon from hearing signals: the second one ends everything."""
    daemon = make_daemon().start()
    daemon.client.say("kitchen", "!hang")
    daemon.wait_for_log("run.started", folder="kitchen")
    daemon.client.post("/v1/orchestrator", {"action": "disable", "drain_ms": 600_000})
    daemon.send_signal(signal.SIGTERM)
    daemon.wait_for_log("daemon.stop_asked")
    assert daemon.terminate() == 0
    assert daemon.agents() == set()


def test_start_that_fails_is_rolled_back_and_recovers(make_daemon: MakeDaemon, tmp_path: Path) -> None:
    """No sandbox engine: the orchestrator is failed and says why, messages are still taken, the lease is free for
    others; once the engine is there, `enable` starts it (hazards B-05, B-106)."""
    programs = tmp_path / "bin"
    programs.mkdir()
    daemon = make_daemon({"sandbox": {"engine": "bubblewrap"}}, PATH=str(programs)).start()
    daemon.wait_for_log("orchestrator.state", state="failed")
    ready = read_ready(daemon, 503)
    assert ready["orchestrator_enabled"] is True
    assert "there is no bwrap program" in ready["reasons"][0]
    daemon.client.say("main", "hello")
    failed = intercomd(daemon, "orchestrator", "enable", "--wait")
    assert failed.returncode == 1
    daemon.wait_for_log("lease.released", duty="dispatch")
    assert intercomd(daemon, "preflight").returncode == 1
    bwrap = shutil.which("bwrap", path=os.environ["PATH"])
    assert bwrap is not None
    (programs / "bwrap").symlink_to(bwrap)
    assert intercomd(daemon, "orchestrator", "enable", "--wait").returncode == 0
    assert daemon.client.wait_for_replies("main", 1) == ["hello"]
    assert read_ready(daemon, 200)["orchestrator_state"] == "active"


def test_enable_explains_that_the_settings_say_no(idle: DaemonProcess) -> None:
    """A hold can be placed and lifted, but enabling does not outvote the flag; nothing is changed by trying."""
    assert intercomd(idle, "orchestrator", "disable", "--why", "not yet").returncode == 0
    refused = intercomd(idle, "orchestrator", "enable")
    assert refused.returncode == 1
    assert "orchestrator.enabled is false" in refused.stderr
    assert idle.client.get("/v1/orchestrator")["hold"]["why"] == "not yet"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"action": "pause"}, "action"),
        ({"action": "disable", "drain_ms": -1}, "drain_ms"),
        ({"action": "disable", "why": "a\u0000b"}, "why"),
        ({"action": "disable", "who": ""}, "who"),
        ({"action": "enable", "force": True}, "body"),
        ({}, "action"),
    ],
)
def test_wish_that_makes_no_sense_is_refused(daemon: DaemonProcess, body: dict[str, object], field: str) -> None:
    """422 with the field; the orchestrator goes on."""
    answer = post(daemon, body)
    assert answer.status == 422, answer.body
    assert answer.json["field"] == field
    assert daemon.client.get("/v1/orchestrator")["hold"] is None


def register(daemon: DaemonProcess) -> None:
    group = {"jid": "local:kitchen", "folder": "kitchen", "name": "Kitchen", "requires_trigger": False}
    daemon.client.post("/v1/groups", group)


def command(name: str) -> dict[str, object]:
    return {"chat_jid": "local:kitchen", "command": name, "group_name": "Kitchen", "group_folder": "kitchen"}


def read_ready(daemon: DaemonProcess, status: int) -> dict[str, Any]:
    """`/readyz`, which must answer with this status and in kind."""
    answer = daemon.client.request("GET", "/readyz")
    assert answer.status == status, answer.body
    ready: dict[str, Any] = answer.json
    assert ready["status"] == ("ready" if status == 200 else "not_ready")
    assert bool(ready["reasons"]) == (status == 503)
    return ready


def post(daemon: DaemonProcess, body: object) -> Answer:
    content = json.dumps(body).encode()
    return daemon.client.request("POST", "/v1/orchestrator", content, {"Content-Type": "application/json"})
