"""The daemon with an image of the existing system, played by tests/support/legacy_agent.py in podman."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from intercomd.daemon.engines import install_id
from intercomd.sandbox.container_client import INSTALL_LABEL, ContainerClient
from intercomd.sandbox.containers import PODMAN
from intercomd.settings.loading import load_settings
from tests.support.containers import THIN_IMAGE, import_thin_image, podman_environment
from tests.support.daemon import DaemonProcess
from tests.support.legacy_agent import NOTE, write_legacy_image

pytestmark = pytest.mark.full

IMAGE = f"localhost/intercom-legacy:test-{os.getpid()}"
OWN = {"CLAUDE_CODE_OAUTH_TOKEN": "s3cret-claude"}
OTHERS = {
    "CODEX_OAUTH_REFRESH_TOKEN": "s3cret-codex",
    "GEMINI_REFRESH_TOKEN": "s3cret-gemini",
    "OPENAI_API_KEY": "s3cret-openai",
    "INTERCOM_CANARY": "s3cret-canary",
}


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, str]]:
    """Of a podman that has the image. The engine's default network is the host's, so that it can be told from none."""
    folder = tmp_path_factory.mktemp("podman")
    environment = podman_environment(folder)
    configuration = folder / "containers.conf"
    configuration.write_text(configuration.read_text().replace('netns = "none"', 'netns = "host"'))
    import_thin_image("podman", environment)
    write_legacy_image(folder, THIN_IMAGE, IMAGE, environment)
    yield environment
    subprocess.run(("podman", "rmi", "--force", IMAGE), env=environment, check=True, capture_output=True, timeout=30)


@pytest.fixture
def daemon(tmp_path: Path, environment: Mapping[str, str]) -> Iterator[DaemonProcess]:
    settings = {
        "sandbox": {"engine": "podman"},
        "runtimes": {"default_runtime": "claude"},
        "runtimes.profiles.claude": {"agent": "legacy", "image": IMAGE, "default_model": "old-model"},
        "scheduler": {"timezone": "Europe/Vienna"},
    }
    secrets = {"HOME": str(tmp_path), "CONTAINERS_CONF": environment["CONTAINERS_CONF"], **OTHERS}
    daemon = DaemonProcess(tmp_path, settings, environment=secrets)
    (tmp_path / ".env").write_text("".join(f"{name}={value}\n" for name, value in OWN.items()))
    (tmp_path / ".env").chmod(0o600)
    try:
        daemon.start()
        yield daemon
    finally:
        daemon.close()
        engine = ContainerClient("podman", PODMAN.run_label_format, environment)
        engine.remove_all({INSTALL_LABEL: install_id(load_settings(daemon.config, {}))})


def found_by(daemon: DaemonProcess) -> dict[str, Any]:
    """What the last container noted."""
    found: dict[str, Any] = json.loads((daemon.home / "groups/kitchen" / NOTE).read_text())
    return found


def test_image_of_the_existing_system_answers_and_goes_on_in_its_session(daemon: DaemonProcess) -> None:
    """Reply and message file arrive; the run ends by itself after its turn, as an agent that takes no follow-ups; the
    next text is a run of the same session."""
    daemon.client.say("kitchen", "hello")
    assert sorted(daemon.client.wait_for_replies("kitchen", 2)) == ["half way", "session-1: True"]
    daemon.wait_for_log("run.ended", folder="kitchen", outcome="succeeded")
    assert "sessionId" not in found_by(daemon)["told"]
    daemon.client.say("kitchen", "and now?")
    assert len(daemon.client.wait_for_replies("kitchen", 4)) == 4
    first, second = daemon.client.runs("kitchen")
    assert first["run_id"] != second["run_id"] and found_by(daemon)["told"]["sessionId"] == "session-1"


def test_container_finds_what_it_always_found_and_no_more(daemon: DaemonProcess) -> None:
    """Its own secrets, on standard input alone and in memory alone (B-51, B-52); the network; its state; no project."""
    assert daemon.wait_for_log("daemon.legacy_agent").fields["runtime"] == "claude"
    daemon.client.say("kitchen", "hello")
    daemon.client.wait_for_replies("kitchen", 2)
    found = found_by(daemon)
    told = found.pop("told")
    assert told.pop("secrets") == OWN
    assert list(told) == ["prompt", "groupFolder", "chatJid", "isMain", "assistantName", "model"]
    assert not any(value in json.dumps(found) for value in (*OWN.values(), *OTHERS.values()))
    assert found["network"] == os.readlink("/proc/self/ns/net")
    assert (found["home"], found["zone"], found["directory"]) == ("/home/node", "Europe/Vienna", "/app")
    assert found["user"] == (os.geteuid() or 1000)
    assert (found["input lies in"], found["has project"]) == ("tmpfs", False)
    assert found["claude"] == ["settings.json"] and "current_tasks.json" in found["snapshots"]
    assert found["writes"] == ["/app", "/home/node", "/home/node/.claude"]
    logs = "".join(path.read_text() for path in (daemon.data_dir / "logs").rglob("*.log"))
    assert not any(value in logs + str(daemon.transcript) for value in (*OWN.values(), *OTHERS.values()))
