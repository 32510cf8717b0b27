"""Starts that cannot work: one clear message and the exit code that tells the service manager what to do."""

from __future__ import annotations

import socket
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.integration.conftest import MakeDaemon
from tests.support.daemon import DaemonProcess

pytestmark = pytest.mark.full

FAILURE, CANNOT_START, TRY_LATER, BAD_CONFIG = 1, 70, 75, 78


def test_all_problems_of_a_configuration_are_shown(make_daemon: MakeDaemon) -> None:
    """Five mistakes are five lines, each with the key and what is allowed; exit 78 (hazard B-108)."""
    daemon = make_daemon(
        {
            "server": {"bind": "nowhere"},
            "orchestrator": {"max_containers": 3, "poll_interval_ms": 5},
            "scheduler": {"timezone": "Mars/Olympus"},
            "sandbox": {"engine": "magic"},
        }
    )
    daemon.launch()
    assert daemon.wait_for_exit() == BAD_CONFIG
    output = "\n".join(daemon.log.lines)
    assert "5 problems" in output
    for part in (
        "server.bind",
        "HOST:PORT",
        "orchestrator.max_containers",
        "max_concurrent_containers",
        "orchestrator.poll_interval_ms",
        "100",
        "scheduler.timezone",
        "sandbox.engine",
    ):
        assert part in output


def test_missing_config_file_is_an_error(make_daemon: MakeDaemon) -> None:
    """A file that was named must exist; the daemon does not start with defaults instead (hazard B-108)."""
    daemon = make_daemon()
    daemon.config.unlink()
    daemon.launch()
    assert daemon.wait_for_exit() == BAD_CONFIG
    assert_single_line(daemon, str(daemon.config))


def test_taken_port_is_reported_at_once(make_daemon: MakeDaemon) -> None:
    """Two daemons do not fight for a port: the second says who has it and exits 75, to be started again later."""
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        daemon = make_daemon({"server": {"bind": address}})
        daemon.launch()
        assert daemon.wait_for_exit() == TRY_LATER
    assert daemon.log.events("daemon.cannot_listen")
    assert_single_line(daemon, address)


def test_file_that_is_no_database_ends_the_start(make_daemon: MakeDaemon) -> None:
    """A damaged or foreign file is named, and left as it is."""
    daemon = make_daemon()
    database = database_of(daemon)
    database.write_bytes(b"not a database, " * 1000)
    daemon.launch()
    assert daemon.wait_for_exit() == FAILURE
    assert_single_line(daemon, str(database))
    assert database.read_bytes() == b"not a database, " * 1000


def test_folder_in_place_of_the_database_ends_the_start(make_daemon: MakeDaemon) -> None:
    """What is there and can be no database is named."""
    daemon = make_daemon()
    database_of(daemon).mkdir()
    daemon.launch()
    assert daemon.wait_for_exit() == FAILURE
    assert_single_line(daemon, str(database_of(daemon)))


def test_database_of_a_newer_version_is_refused(make_daemon: MakeDaemon) -> None:
    """An older program does not touch what a newer one wrote."""
    daemon = make_daemon()
    daemon.start()
    assert daemon.terminate() == 0
    with closing(sqlite3.connect(database_of(daemon))) as connection:
        connection.execute("INSERT INTO schema_version VALUES (1000)")
        connection.commit()
    daemon.launch()
    assert daemon.wait_for_exit() == FAILURE
    assert_single_line(daemon, "newer")


def test_data_folder_that_cannot_be_made_ends_the_start(make_daemon: MakeDaemon) -> None:
    """A file in place of the data folder is named."""
    daemon = make_daemon()
    daemon.data_dir.write_text("in the way")
    daemon.launch()
    assert daemon.wait_for_exit() == FAILURE
    assert_single_line(daemon, str(daemon.data_dir))


def database_of(daemon: DaemonProcess) -> Path:
    daemon.data_dir.mkdir(exist_ok=True)
    return daemon.data_dir / "intercom.db"


def assert_single_line(daemon: DaemonProcess, part: str) -> None:
    """One line about it, without a traceback."""
    output = "\n".join(daemon.log.lines)
    assert part in output
    assert "Traceback" not in output
    problems = [line for line in daemon.log.lines if " DEBUG " not in line and " INFO " not in line]
    assert len(problems) <= 2, problems
