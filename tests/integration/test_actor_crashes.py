"""Actors that crash in the real daemon: one in private, one for good. A trigger in the database makes them."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from tests.integration.conftest import MakeDaemon
from tests.support.daemon import DaemonProcess, wait_until_gone

pytestmark = pytest.mark.full

CRASH = 70
REFUSE_POISON = """
CREATE TRIGGER refuse BEFORE INSERT ON outbox WHEN NEW.content = 'poison' BEGIN SELECT RAISE(ABORT, 'poison'); END
"""


def test_run_that_crashes_disturbs_no_other(make_daemon: MakeDaemon) -> None:
    """Its sandbox dies, its request is tried again later, its slot is free, and other groups never notice
    (hazards B-23, B-107)."""
    daemon = make_daemon({"orchestrator": {"enabled": True, "max_concurrent_containers": 2}})
    daemon.start()
    change_database(daemon, REFUSE_POISON)
    daemon.client.say("bath", "!slow 0.5 undisturbed")
    other = daemon.wait_for_log("run.started", folder="bath")
    daemon.client.say("kitchen", "poison")
    started = daemon.wait_for_log("run.started", folder="kitchen")
    wait_until_gone([int(str(started.fields["pid"]))])
    assert daemon.client.wait_for_replies("bath", 1) == ["undisturbed"]
    assert daemon.client.ask("attic", "hello") == "hello"
    assert daemon.client.runs("bath")[0]["run_id"] == other.fields["run_id"]
    change_database(daemon, "DROP TRIGGER refuse")
    assert daemon.client.ask("kitchen", "better") == "better"
    assert daemon.client.request("GET", "/readyz").status == 200


def test_actor_that_crashes_again_and_again_ends_the_daemon(make_daemon: MakeDaemon) -> None:
    """What restarts do not heal is escalated to the root: the daemon ends with 70, for the service manager to see, and
    leaves no sandbox (hazard B-107)."""
    daemon = make_daemon()
    daemon.start()
    assert daemon.client.ask("kitchen", "hello") == "hello"
    change_database(daemon, "DROP TABLE leases")
    assert daemon.wait_for_exit() == CRASH
    assert daemon.log.events("daemon.gave_up")
    assert daemon.agents() == set()


def change_database(daemon: DaemonProcess, sql: str) -> None:
    with closing(sqlite3.connect(daemon.data_dir / "intercom.db")) as connection:
        connection.execute(sql)
