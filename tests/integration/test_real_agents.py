"""A household with the real programs: the daemon, its sandboxes, its gateway; only the provider is played."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from intercomd.daemon.engines import install_id
from intercomd.domain.endings import SESSION_LOST_NOTICE
from intercomd.sandbox.container_client import INSTALL_LABEL, ContainerClient
from intercomd.sandbox.containers import PODMAN
from intercomd.settings.loading import load_settings
from tests.agent.real import MODELS, PROGRAMS, SHELLS
from tests.gateway.doors import KEYS
from tests.integration.conftest import MakeDaemon
from tests.support.containers import THIN_IMAGE, import_thin_image, podman_environment
from tests.support.daemon import DaemonProcess
from tests.support.provider import Call, FakeProvider, Refuse, Say

pytestmark = pytest.mark.full

SESSIONS = "data/sessions"


@pytest.fixture
def provider() -> Iterator[FakeProvider]:
    with FakeProvider() as provider:
        yield provider


def settings_of(runtime: str, provider: FakeProvider, **profile: object) -> dict[str, Mapping[str, object]]:
    """Groups that have not chosen otherwise talk to this program."""
    return {
        "runtimes": {"default_runtime": runtime, "programs_dir": str(PROGRAMS)},
        f"runtimes.profiles.{runtime}": {"default_model": MODELS[runtime], "upstream_url": provider.url, **profile},
        "scheduler": {"enabled": True},
        "sandbox": {"engine": "bubblewrap"},
    }


@pytest.fixture
def daemon(make_daemon: MakeDaemon, provider: FakeProvider) -> DaemonProcess:
    """In which everybody's agent is claude."""
    running = make_daemon(settings_of("claude", provider), **KEYS).start()
    running.wait_for_log("orchestrator.state", state="active")
    return running


def test_claude_says_how_far_it_is_and_schedules_a_task_that_claude_then_does(
    daemon: DaemonProcess, provider: FakeProvider
) -> None:
    """The progress message is in the chat before the reply; the task is the group's, and its run is one of the same
    conversation."""
    task = {"prompt": "water the plants", "schedule_type": "cron", "schedule_value": "0 9 1 1 *"}
    provider.script(Call("send_message", {"text": "half way"}), Call("schedule_task", task), Say("all done"))
    daemon.client.say("kitchen", "please")
    assert daemon.client.wait_for_replies("kitchen", 2) == ["half way", "all done"]

    assert daemon.wait_for_log("run.usage").fields["input_tokens"] == "33"

    (shown,) = daemon.client.get("/v1/tasks?group=kitchen")["tasks"]
    assert shown["prompt"] == "water the plants" and shown["status"] == "active"
    provider.script(Say("watered"))
    daemon.client.post(f"/v1/tasks/{shown['task_id']}/run", {"id": "now"})
    assert daemon.client.wait_for_replies("kitchen", 3)[2] == "watered"
    asked = provider.requests[-1].text
    assert "[SCHEDULED TASK - " in asked and "water the plants" in asked and "all done" in asked


def test_conversation_outlives_the_daemon_and_its_loss_is_told_once(
    daemon: DaemonProcess, provider: FakeProvider
) -> None:
    """After a restart claude goes on where it was; without its files it says so, and goes on from there."""
    provider.script(Say("one"), Say("two"), Say("three"), Say("four"))
    assert daemon.client.ask("kitchen", "my number is 4711") == "one"
    daemon.terminate()
    daemon.start()
    assert daemon.client.ask("kitchen", "which number?") == "two"
    assert "4711" in provider.requests[-1].text
    daemon.terminate()
    shutil.rmtree(daemon.home / SESSIONS)
    daemon.start()
    daemon.client.say("kitchen", "and now?")
    assert daemon.client.wait_for_replies("kitchen", 4)[2:] == [SESSION_LOST_NOTICE, "three"]
    assert daemon.client.ask("kitchen", "still there?") == "four"
    assert "and now?" in provider.requests[-1].text


def test_refused_credential_gives_one_notice_with_what_to_do(daemon: DaemonProcess, provider: FakeProvider) -> None:
    """No retries, no storm; once it is mended, /retry answers."""
    provider.otherwise = Refuse(401, "no")
    notice = daemon.client.ask("kitchen", "hello")
    assert "the provider refused the credential" in notice and "/retry" in notice
    daemon.wait_for_log("run.ended", folder="kitchen")
    assert [run["outcome"] for run in daemon.client.runs("kitchen")] == ["refused"]


@contextmanager
def podman_daemon(home: Path, settings: Mapping[str, Mapping[str, object]]) -> Iterator[DaemonProcess]:
    """A daemon whose engine is podman; containers it leaves are removed."""
    environment = podman_environment(home)
    import_thin_image("podman", environment)
    known = {"CONTAINERS_CONF": environment["CONTAINERS_CONF"], **KEYS}
    daemon = DaemonProcess(home, {**settings, "sandbox": {"engine": "podman"}}, environment=known)
    engine = ContainerClient("podman", PODMAN.run_label_format, environment)
    try:
        yield daemon.start()
    finally:
        daemon.close()
        engine.remove_all({INSTALL_LABEL: install_id(load_settings(daemon.config, {}))})
        print(*daemon.transcript, sep="\n")


def test_codex_works_in_a_container(tmp_path: Path, provider: FakeProvider) -> None:
    """Its command runs in the group's folder, its reply arrives, its next turn knows of the first, all without network
    and with a read-only root."""
    tool, argument = SHELLS["codex"]
    provider.script(Call(tool, {argument: "touch made.txt"}), Say("made"), Say("again"))
    with podman_daemon(tmp_path, settings_of("codex", provider, image=THIN_IMAGE)) as daemon:
        assert daemon.client.ask("kitchen", "make a file") == "made"
        assert (tmp_path / "groups/kitchen/made.txt").exists()
        assert daemon.client.ask("kitchen", "again") == "again"
    assert "make a file" in provider.requests[-1].text
