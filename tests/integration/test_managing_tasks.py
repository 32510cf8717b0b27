"""Scheduled tasks of a running daemon, managed over HTTP, on the command line and in chats by one set of rules."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from intercomd.cli.main import main
from tests.integration.conftest import MakeDaemon
from tests.support.daemon import DaemonProcess, Settings

pytestmark = pytest.mark.full

YEARLY = ("--cron", "0 0 1 1 *")
Tasks = Callable[..., str]


@pytest.fixture
def daemon(make_daemon: MakeDaemon, storage: Settings) -> DaemonProcess:
    """With the scheduler, on one store after the other; the main group and cooks have been written in."""
    running = make_daemon({**storage, "scheduler": {"enabled": True, "timezone": "Europe/Vienna"}}).start()
    running.wait_for_log("orchestrator.state", state="active")
    for chat in ("main", "cooks"):
        running.client.ask(chat, "hello")
    return running


@pytest.fixture
def tasks(daemon: DaemonProcess, capsys: pytest.CaptureFixture[str]) -> Tasks:
    """Runs `intercomd tasks …` against the daemon and returns what it printed."""

    def run(*words: str) -> str:
        capsys.readouterr()
        assert main(["tasks", *words, "--data-dir", str(daemon.data_dir)]) == 0, capsys.readouterr().err
        return capsys.readouterr().out

    return run


def test_task_made_on_the_command_line_answers_in_its_chat(daemon: DaemonProcess, tasks: Tasks) -> None:
    """From saving to the reply with no timer in between, and the ledger tells what became of it (B-33)."""
    assert tasks("add", "cooks", "the bins", "--every", "1s").startswith("cooks/1 is active: every 1 s (Europe/Vienna)")
    assert daemon.client.wait_for_replies("cooks", 2)[1].endswith("the bins")
    tasks("cancel", "cooks/1")
    assert json.loads(tasks("list", "--json"))["tasks"] == []


def test_task_is_run_now_on_request(daemon: DaemonProcess, tasks: Tasks) -> None:
    """Though its time is far off; the run is in the ledger as one that somebody asked for."""
    tasks("add", "cooks", "water the plants", *YEARLY)
    tasks("run", "cooks/1", "--id", "once")
    assert daemon.client.wait_for_replies("cooks", 2)[1].endswith("water the plants")
    daemon.wait_for_log("run.ended", folder="cooks", count=1)
    (fire,) = json.loads(tasks("fires", "cooks/1", "--json"))["fires"]
    assert fire["is_manual"]


def test_chat_manages_its_tasks_and_the_main_group_everybodys(daemon: DaemonProcess, tasks: Tasks) -> None:
    """What the chat changes is what HTTP and the command line show."""
    tasks("add", "cooks", "the bins", *YEARLY)
    assert "`1` `cron 0 0 1 1 *` (`Europe/Vienna`), next" in daemon.client.ask("cooks", "/tasks")
    assert daemon.client.ask("cooks", "/pause 1").startswith("Task `1` is paused.")
    (shown,) = daemon.client.get("/v1/tasks?group=cooks")["tasks"]
    assert shown["status"] == "paused"
    assert daemon.client.ask("main", "/resume cooks/1").startswith("Task `cooks/1` is active")
    assert "another group's" in daemon.client.ask("cooks", "/cancel main/1")
    assert daemon.client.ask("main", "/cancel cooks/1").startswith("Task `cooks/1` is cancelled")
    assert daemon.client.ask("cooks", "/tasks") == "No tasks are scheduled in this chat."


def test_tasks_and_their_numbers_survive_a_kill(daemon: DaemonProcess, tasks: Tasks) -> None:
    """A client that repeats its request after the crash makes no second task, and the next number is a new one."""
    first = tasks("add", "cooks", "the bins", *YEARLY, "--id", "mine", "--json")
    daemon.kill()
    daemon.start()
    assert json.loads(tasks("add", "cooks", "the bins", *YEARLY, "--id", "mine", "--json")) == json.loads(first)
    assert tasks("add", "cooks", "the glass", *YEARLY).startswith("cooks/2 ")


def test_client_of_the_existing_system_follows_the_same_rules(daemon: DaemonProcess, tasks: Tasks) -> None:
    """What it stores fires here, and nobody else may run it meanwhile (B-33, B-71)."""
    task = {
        "id": "task-1700000000000-abc123",
        "group_folder": "cooks",
        "chat_jid": "local:cooks",
        "prompt": "the bins",
        "schedule_type": "interval",
        "schedule_value": "3600000",
        "next_run": "2024-01-15T11:00:00.000Z",
        "created_at": "2024-01-15T10:00:00.000Z",
    }
    assert daemon.client.post("/v1/db/tasks", task) == {"ok": True}
    assert daemon.client.wait_for_replies("cooks", 2)[1].endswith("the bins")
    assert daemon.client.request("POST", "/v1/db/tasks/due", b"").status == 409
    assert "cooks/1" in tasks("list")
