"""Files of agents and real daemons: on both stores, killed, in pairs, and with everything in the way."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.integration.conftest import MakeDaemon
from tests.support.daemon import DaemonProcess, Settings

pytestmark = pytest.mark.full

QUICK = {"orchestrator": {"enabled": True, "lease_ms": 1_000}}


def put(daemon: DaemonProcess, folder: str, kind: str, name: str, value: object) -> Path:
    """As an agent does it: written aside and renamed."""
    directory = daemon.data_dir / "ipc" / folder / kind
    directory.mkdir(parents=True, exist_ok=True)
    draft = directory / f"{name}.json.tmp"
    draft.write_text(json.dumps(value))
    return draft.rename(directory / f"{name}.json")


def message(daemon: DaemonProcess, folder: str, text: str, name: str) -> Path:
    return put(
        daemon, folder, "messages", name, {"type": "message", "chatJid": f"local:{folder}", "text": text}
    )


def test_files_of_the_existing_system_are_carried_out(make_daemon: MakeDaemon, storage: Settings) -> None:
    """A text arrives, a group is registered with all its fields (B-87), and what is refused is kept with its reason
    (B-83), while pipes, links and giants lie in the way (B-46, B-47)."""
    daemon = make_daemon({**storage, **QUICK}).start()
    daemon.client.ask("main", "hello")
    daemon.client.ask("kitchen", "hello")
    folder = daemon.data_dir / "ipc" / "kitchen"
    os.mkfifo(folder / "messages" / "0-pipe.json")
    (folder / "messages" / "0-link.json").symlink_to("/etc/passwd")
    with (folder / "messages" / "0-giant.json").open("wb") as giant:
        giant.truncate(1024**3)
    message(daemon, "kitchen", "by file", "1-x")
    put(daemon, "kitchen", "messages", "2-x", {"type": "message", "chatJid": "local:main", "text": "not mine"})
    assert daemon.client.wait_for_replies("kitchen", 2) == ["hello", "by file"]

    group = {"jid": "local:garden", "name": "Garden", "folder": "garden", "trigger": "@G", "requiresTrigger": False}
    put(daemon, "main", "tasks", "1-x", {"type": "register_group", **group})
    assert daemon.client.ask("garden", "no trigger") == "no trigger"

    daemon.wait_for_log("ipc.refused", folder="kitchen", count=4)
    kept = daemon.data_dir / "ipc-errors" / "kitchen"
    reasons = sorted(path.read_text().splitlines()[1] for path in kept.glob("*.reason"))
    assert [reason.split(":")[0] for reason in reasons] == [
        "it cannot be opened as a regular file",
        "it has 1073741824 bytes; at most 2097152 are taken",
        "it is no regular file",
        "local",
    ]
    assert "not mine" not in " ".join(daemon.client.replies("main"))
    assert list((folder / "messages").iterdir()) == []


def test_agent_reads_its_snapshots(make_daemon: MakeDaemon) -> None:
    """Written before the run, in the place that its sandbox sees read-only."""
    daemon = make_daemon({**QUICK, "sandbox": {"engine": "bubblewrap"}}).start()
    daemon.client.ask("kitchen", "hello")
    view = daemon.data_dir / "ipc-views" / "kitchen"
    assert json.loads((view / "current_tasks.json").read_text()) == []
    assert json.loads((view / "available_groups.json").read_text())["groups"] == []


def test_file_that_waits_while_the_daemon_is_dead_is_carried_out(make_daemon: MakeDaemon) -> None:
    """Killed before or after it was handled: the text is there once (B-85, B-86)."""
    daemon = make_daemon(QUICK).start()
    daemon.client.ask("kitchen", "hello")
    message(daemon, "kitchen", "before", "1-x")
    daemon.client.wait_for_replies("kitchen", 2)
    daemon.kill()
    message(daemon, "kitchen", "meanwhile", "2-x")
    daemon.start()
    assert daemon.client.wait_for_replies("kitchen", 3) == ["hello", "before", "meanwhile"]


def test_of_two_daemons_one_acts_and_the_other_takes_over(make_daemon: MakeDaemon) -> None:
    """On one data folder each file is carried out once, by whoever holds the lease (B-84)."""
    first = make_daemon(QUICK).start()
    first.client.ask("kitchen", "hello")
    second = make_daemon(QUICK).start()
    for number in range(50):
        message(first, "kitchen", f"text {number}", f"{number:02d}-x")
    expected = ["hello", *(f"text {number}" for number in range(50))]
    assert first.client.wait_for_replies("kitchen", 51) == expected
    first.kill()
    message(first, "kitchen", "after", "99-x")
    assert second.client.wait_for_replies("kitchen", 52) == [*expected, "after"]
