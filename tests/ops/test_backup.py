"""A backup is one that was restored: copies of both stores, made while the daemon works, and a daemon on the copy."""

from __future__ import annotations

import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from intercomd.cli.main import main
from tests.ops.console import make_path, run_block
from tests.project.source import ROOT
from tests.support.daemon import DaemonProcess
from tests.support.postgres import PostgresServer, running_server

OPERATIONS = ROOT / "docs/operations.md"


def settings_file(folder: Path) -> Path:
    path = folder / "intercom.toml"
    path.write_text(f'[storage]\nsqlite_path = "{folder}/data/intercom.db"\n')
    return path


def test_backup_of_a_file_that_does_not_exist_makes_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A mistyped path is an error, and neither a database nor a copy of nothing appears (hazard B-109)."""
    assert main(["backup", "--config", str(settings_file(tmp_path)), str(tmp_path / "copy.db")]) == 1
    assert "there is no such database" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["intercom.toml"]


def test_backup_never_replaces_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Yesterday's backup is not overwritten by today's, nor is a draft left behind."""
    (tmp_path / "data").mkdir()
    with closing(sqlite3.connect(tmp_path / "data/intercom.db")) as connection:
        connection.execute("CREATE TABLE chat_messages (seq)")
        connection.execute("CREATE TABLE schema_version AS SELECT 1 AS version")
        connection.commit()
    copies = tmp_path / "copies"
    copies.mkdir()
    words = ["backup", "--config", str(settings_file(tmp_path)), str(copies / "copy.db")]
    assert main(words) == 0
    first = (copies / "copy.db").read_bytes()
    assert main(words) == 1
    assert "copy.db: cannot be written: File exists" in capsys.readouterr().err
    assert (copies / "copy.db").read_bytes() == first
    assert stat.S_IMODE((copies / "copy.db").stat().st_mode) == 0o600
    assert [path.name for path in copies.iterdir()] == ["copy.db"]


def test_backup_of_a_damaged_file_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What cannot be read is told now and not at the restore."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data/intercom.db").write_bytes(b"no database at all" * 100)
    assert main(["backup", "--config", str(settings_file(tmp_path)), str(tmp_path / "copy.db")]) == 1
    assert "cannot be copied" in capsys.readouterr().err
    assert not (tmp_path / "copy.db").exists()


def test_backup_of_postgres_names_the_tool(capsys: pytest.CaptureFixture[str]) -> None:
    """The command says what to use instead of copying an empty embedded store."""
    assert main(["backup", "--set", "storage.postgres_dsn=postgresql://host/db", "copy.db"]) == 1
    assert "pg_dump" in capsys.readouterr().err


@pytest.mark.full
def test_daemon_answers_on_a_restored_embedded_store(tmp_path: Path) -> None:
    """A copy made while the daemon answers, by the documented commands, holds what was said before it, no more."""
    with DaemonProcess(tmp_path) as daemon:
        variables = {"PATH": make_path(tmp_path), "DATA": str(daemon.data_dir), "BACKUPS": str(tmp_path)}
        assert daemon.client.ask("kitchen", "before") == "before"
        daemon.client.say("bath", "!slow 1 meanwhile")
        run_block(OPERATIONS, "backup-sqlite", variables)
        assert daemon.client.ask("kitchen", "after") == "after"
        assert daemon.terminate() == 0
        run_block(OPERATIONS, "restore-sqlite", variables)
        daemon.start()
        assert daemon.client.replies("kitchen") == ["before"]
        assert daemon.client.wait_for_replies("bath", 1) == ["meanwhile"]
        assert daemon.client.ask("kitchen", "again") == "again"
        assert daemon.client.replies("kitchen") == ["before", "again"]


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    with running_server() as running:
        yield running


@pytest.mark.full
def test_daemon_answers_on_a_restored_postgres_database(tmp_path: Path, server: PostgresServer) -> None:
    """The documented commands beside a working daemon, into a fresh database, and the daemon goes on there."""
    original, restored = server.create_empty("original"), server.create_empty("restored")
    variables = {"DSN": original, "NEW_DSN": restored, "BACKUPS": str(tmp_path)}
    with DaemonProcess(tmp_path, {"storage": {"postgres_dsn": original}}) as daemon:
        assert daemon.client.ask("kitchen", "before") == "before"
        run_block(OPERATIONS, "backup-postgres", variables)
        assert daemon.client.ask("kitchen", "after") == "after"
        assert daemon.terminate() == 0
    run_block(OPERATIONS, "restore-postgres", variables)
    with DaemonProcess(tmp_path, {"storage": {"postgres_dsn": restored}}) as daemon:
        assert daemon.client.replies("kitchen") == ["before"]
        assert daemon.client.ask("kitchen", "again") == "again"
