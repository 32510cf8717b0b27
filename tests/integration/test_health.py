"""What the daemon says of itself, and whether `intercomd status --check` agrees."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest

from tests.integration.conftest import MakeDaemon
from tests.support.daemon import DaemonProcess

pytestmark = pytest.mark.full

OK, DEGRADED, DOWN = 0, 1, 2


def test_check_tells_a_working_daemon_from_a_dead_one(make_daemon: MakeDaemon) -> None:
    """Exit 0 while it works, 2 once it is gone, by stop or by kill (hazard B-106)."""
    daemon = make_daemon()
    daemon.start()
    daemon.wait_for_log("orchestrator.state", state="active")
    assert check(daemon) == OK
    daemon.kill()
    assert check(daemon) == DOWN
    daemon.start()
    assert daemon.terminate() == 0
    assert check(daemon) == DOWN


def test_locked_database_degrades_the_daemon_until_it_is_free(make_daemon: MakeDaemon) -> None:
    """A database that another program holds is away, not broken: the daemon starts, every probe says so in time, and it
    goes on by itself (hazards B-05, B-106, B-107)."""
    daemon = make_daemon()
    daemon.data_dir.mkdir()
    with closing(sqlite3.connect(daemon.data_dir / "intercom.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        daemon.start()
        assert daemon.client.request("GET", "/livez").status == 200
        assert daemon.client.request("GET", "/readyz").status == 503
        assert check(daemon) == DEGRADED
        other.execute("ROLLBACK")
    daemon.wait_for_log("orchestrator.state", state="active")
    assert daemon.client.ask("kitchen", "hello") == "hello"
    assert check(daemon) == OK


def test_daemon_without_orchestrator_is_ready_and_idle(make_daemon: MakeDaemon) -> None:
    """Off by its flag is as it should be: texts are stored, nothing runs, and the next start with the flag answers
    what waits (hazard B-113)."""
    daemon = make_daemon({"orchestrator": {"enabled": False}})
    daemon.start()
    daemon.client.say("kitchen", "hello")
    ready = daemon.client.get("/readyz")
    assert (ready["orchestrator_enabled"], ready["orchestrator_state"]) == (False, "idle")
    assert check(daemon) == OK
    assert daemon.terminate() == 0
    successor = make_daemon()
    successor.start()
    assert successor.client.wait_for_replies("kitchen", 1) == ["hello"]
    assert successor.client.get("/readyz")["orchestrator_state"] == "active"


def test_supervision_shows_who_works_on_what(make_daemon: MakeDaemon) -> None:
    """The tree names every actor with its state; a live run is in it while it works."""
    daemon = make_daemon()
    daemon.start()
    daemon.client.say("kitchen", "!slow 0.5 done")
    run = daemon.wait_for_log("run.started", folder="kitchen").fields["run_id"]
    nodes = {node["path"]: node for node in daemon.client.get("/v1/supervision")["nodes"]}
    assert nodes[f"orchestrator/runs/run:{run}"]["state"] == "running"
    assert nodes["orchestrator/runs/queue:kitchen"]["state"] == "running"
    assert {node["restarts"] for node in nodes.values()} == {0}


def check(daemon: DaemonProcess) -> int:
    """The exit code of `intercomd status --check` with the daemon's configuration."""
    command = (sys.executable, "-m", "intercomd", "status", "--check", "--config", str(daemon.config))
    done = subprocess.run(
        command, cwd=daemon.home, env=daemon.environment, capture_output=True, timeout=20, check=False
    )
    print(done.stdout.decode(), done.stderr.decode())
    return done.returncode
