"""An actor that cannot start any more: supervision gives up level by level, and the daemon ends for all to see."""

from __future__ import annotations

import logging
import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from intercomd.daemon.process import own_holder
from intercomd.domain.leases import IPC
from intercomd.store.opening import StoreSettings, open_store
from tests.integration.conftest import MakeDaemon
from tests.support.daemon import DaemonProcess, Settings, wait_until_gone

pytestmark = pytest.mark.full

CRASH = 70
DISPATCHER = "orchestrator/dispatcher"


def test_daemon_ends_with_70_when_an_actor_cannot_be_started_again(make_daemon: MakeDaemon, tmp_path: Path) -> None:
    """The sandbox program is uninstalled under a working daemon, so that every start of the Dispatcher fails, and the
    Dispatcher crashes. Its supervisor gives up, then the root: one line says what and why, an agent at work dies, and
    the service manager sees exit code 70 (hazard B-107)."""
    programs = tmp_path / "programs"
    settings: Settings = {"sandbox": {"engine": "bubblewrap"}, "orchestrator": {"lease_ms": 600_000}}
    daemon = make_daemon(settings, PATH=str(programs))
    own_agents_files(daemon)
    install_bubblewrap(programs)
    daemon.start()
    daemon.client.say("kitchen", "!hang")
    agent = int(str(daemon.wait_for_log("run.started", folder="kitchen").fields["pid"]))
    (programs / "bwrap").unlink()
    rename_table(daemon, "runs", "lost_runs")
    assert daemon.wait_for_exit() == CRASH
    (gave_up,) = daemon.log.events("daemon.gave_up")
    assert gave_up.level == logging.ERROR
    for part in (DISPATCHER, "no bwrap program on the PATH"):
        assert part in str(gave_up.fields["reason"])
    assert [logged.fields["supervisor"] for logged in daemon.log.events("supervisor.gave_up")] == [
        "orchestrator",
        "root",
    ]
    wait_until_gone([agent])
    assert daemon.agents() == set()


def test_daemon_works_again_when_its_actors_can_be_started(make_daemon: MakeDaemon, tmp_path: Path) -> None:
    """Giving up loses nothing: once the cause is mended, the next start answers what was asked meanwhile."""
    programs = tmp_path / "programs"
    daemon = make_daemon({"sandbox": {"engine": "bubblewrap"}}, PATH=str(programs))
    install_bubblewrap(programs)
    daemon.start()
    assert daemon.client.ask("kitchen", "before") == "before"
    (programs / "bwrap").unlink()
    rename_table(daemon, "runs", "lost_runs")
    daemon.client.say("kitchen", "meanwhile")
    assert daemon.wait_for_exit() == CRASH
    install_bubblewrap(programs)
    rename_table(daemon, "lost_runs", "runs")
    daemon.start()
    assert daemon.client.wait_for_replies("kitchen", 2) == ["before", "meanwhile"]


def own_agents_files(daemon: DaemonProcess) -> None:
    """The duty is ours, so that the daemon's watcher rests: it reads the same table, and would crash first."""
    daemon.data_dir.mkdir(parents=True, exist_ok=True)
    path = daemon.data_dir / "intercom.db"
    store = open_store(StoreSettings(assistant_name="Ada", main_folder="main", sqlite_path=path))
    try:
        assert store.leases.take(IPC, None, own_holder()) is not None
    finally:
        store.close()


def install_bubblewrap(programs: Path) -> None:
    """Alone on the daemon's PATH."""
    found = shutil.which("bwrap")
    assert found is not None
    programs.mkdir(exist_ok=True)
    os.symlink(found, programs / "bwrap")


def rename_table(daemon: DaemonProcess, name: str, other: str) -> None:
    with closing(sqlite3.connect(daemon.data_dir / "intercom.db")) as connection:
        connection.execute(f"ALTER TABLE {name} RENAME TO {other}")
