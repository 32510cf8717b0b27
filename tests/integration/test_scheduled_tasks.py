"""Scheduled tasks in real daemons: due, run in a sandbox, answered in the chat, once whatever dies."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.conftest import MakeDaemon
from tests.support.daemon import DaemonProcess, Settings

pytestmark = pytest.mark.full

EVERY_SECOND = {"schedule_type": "interval", "schedule_value": "1000"}
NEVER_SOON = {"schedule_type": "cron", "schedule_value": "0 0 1 1 *"}


@pytest.fixture
def settings(storage: Settings) -> Settings:
    """Scheduled tasks on one store after the other, in real sandboxes."""
    return {
        **storage,
        "orchestrator": {"enabled": True, "grace_ms": 2_000, "lease_ms": 1_500},
        "scheduler": {"enabled": True},
        "sandbox": {"engine": "bubblewrap"},
    }


@pytest.fixture
def daemon(make_daemon: MakeDaemon, settings: Settings) -> DaemonProcess:
    daemon = make_daemon(settings).start()
    daemon.wait_for_log("orchestrator.state", state="active")
    return daemon


def add_task(daemon: DaemonProcess, folder: str, prompt: str, schedule: dict[str, str], **more: str) -> str:
    """A task of a group that somebody has written in; its id."""
    daemon.client.ask(folder, "hello")
    task = daemon.client.post("/v1/tasks", {"folder": folder, "prompt": prompt, **schedule, **more})
    return str(task["task_id"])


def fires(daemon: DaemonProcess, task_id: str) -> list[dict[str, Any]]:
    """Oldest first."""
    found: list[dict[str, Any]] = daemon.client.get(f"/v1/tasks/{task_id}/fires?limit=500")["fires"]
    return found[::-1]


def test_due_task_is_answered_in_its_chat(daemon: DaemonProcess) -> None:
    """On time, again and again, in a sandbox of its own, by an agent that knows what it answers (B-22, B-79, B-80)."""
    task = add_task(daemon, "kitchen", "the bins", EVERY_SECOND, overlap="queue_one")
    replies = daemon.client.wait_for_replies("kitchen", 4)[1:]
    assert all(reply.startswith("[SCHEDULED TASK") and reply.endswith("the bins") for reply in replies)
    ran = [fire for fire in fires(daemon, task) if fire["state"] == "ran"]
    assert len(ran) >= 2
    assert not any(fire["is_late"] for fire in ran)
    assert daemon.client.get(f"/v1/tasks/{task}")["last_result"].endswith("the bins")
    daemon.client.request("DELETE", f"/v1/tasks/{task}")
    assert daemon.client.ask("kitchen", "and people?") == "and people?"


@pytest.mark.parametrize("seconds", [0, 3])
def test_task_is_not_run_again_when_the_daemon_is_killed_after_its_reply(daemon: DaemonProcess, seconds: int) -> None:
    """`kill -9` at once, and three seconds later: what was said is not said twice (B-71)."""
    task = add_task(daemon, "kitchen", "the bins", NEVER_SOON)
    daemon.client.post(f"/v1/tasks/{task}/run", {"id": "now"})
    assert daemon.client.wait_for_replies("kitchen", 2)[1].endswith("the bins")
    if seconds:
        assert daemon.client.ask("bath", f"!slow {seconds} later") == "later"
    daemon.kill()
    daemon.start()
    daemon.wait_for_log("orchestrator.state", state="active")
    assert daemon.client.ask("kitchen", "after") == "after"
    assert daemon.client.post(f"/v1/tasks/{task}/run", {"id": "now"})["state"] == "ran"
    assert len(daemon.client.replies("kitchen")) == 3
    assert len(daemon.client.runs("kitchen")) == 3


def test_task_is_run_again_when_the_daemon_is_killed_before_its_reply(daemon: DaemonProcess) -> None:
    """Nothing was said yet; the agent that was left behind is ended first, and one row stands for both tries."""
    task = add_task(daemon, "kitchen", "!slow 1 the bins", NEVER_SOON)
    daemon.client.post(f"/v1/tasks/{task}/run", {})
    daemon.wait_for_log("run.started", folder="kitchen", count=2)
    daemon.kill()
    daemon.start()
    assert daemon.client.wait_for_replies("kitchen", 2)[1].endswith("the bins")
    daemon.wait_for_log("run.ended", folder="kitchen", outcome="succeeded")
    assert [fire["state"] for fire in fires(daemon, task)] == ["ran"]
    assert len(daemon.client.replies("kitchen")) == 2


def test_two_daemons_on_one_store_run_each_fire_once(make_daemon: MakeDaemon, settings: Settings) -> None:
    """The one with the lease schedules; when it dies the other goes on where the ledger ends (B-71, B-112)."""
    first, second = make_daemon(settings).start(), make_daemon(settings)
    first.wait_for_log("orchestrator.state", state="active")
    second.start()
    task = add_task(first, "kitchen", "the bins", EVERY_SECOND)
    first.client.wait_for_replies("kitchen", 3)
    assert not second.log.events("run.started")
    first.kill()
    second.wait_for_log("orchestrator.state", state="active")
    after = len(second.client.replies("kitchen"))
    second.client.wait_for_replies("kitchen", after + 2)
    assert second.client.request("POST", f"/v1/tasks/{task}/pause").status == 200
    assert second.client.ask("kitchen", "enough") == "enough"
    ledger = fires(second, task)
    assert len({fire["fire_at"] for fire in ledger}) == len(ledger)
    said = [reply for reply in second.client.replies("kitchen") if reply.endswith("the bins")]
    assert len(said) == len([fire for fire in ledger if fire["state"] in ("ran", "ran_late")])


def test_orderly_stop_leaves_the_run_of_a_task_to_the_next_daemon(daemon: DaemonProcess) -> None:
    """It outlasts the grace and has said nothing: it is ended, and run once by whoever comes."""
    task = add_task(daemon, "kitchen", "!slow 5 the bins", NEVER_SOON)
    daemon.client.post(f"/v1/tasks/{task}/run", {})
    daemon.wait_for_log("run.started", folder="kitchen", count=2)
    assert daemon.terminate() == 0
    assert daemon.agents() == set()
    daemon.start()
    assert daemon.client.wait_for_replies("kitchen", 2)[1].endswith("the bins")
    daemon.wait_for_log("run.ended", folder="kitchen", outcome="succeeded")
    assert [fire["state"] for fire in fires(daemon, task)] == ["ran"]
