"""The daemon with podman: a request goes in, a reply comes out, and no container is left whatever happens between."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from intercomd.daemon.engines import install_id
from intercomd.sandbox.container_client import INSTALL_LABEL, RUN_LABEL, ContainerClient
from intercomd.sandbox.containers import PODMAN
from intercomd.settings.loading import load_settings
from tests.support.containers import THIN_IMAGE, import_thin_image, podman_environment
from tests.support.daemon import DaemonProcess

pytestmark = pytest.mark.full

KILL_SECONDS = 2.0


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    environment = podman_environment(tmp_path_factory.mktemp("podman"))
    import_thin_image("podman", environment)
    return environment


@pytest.fixture
def engine(environment: Mapping[str, str]) -> ContainerClient:
    return ContainerClient("podman", PODMAN.run_label_format, environment)


@pytest.fixture
def daemon(tmp_path: Path, environment: Mapping[str, str], engine: ContainerClient) -> Iterator[DaemonProcess]:
    """A running daemon whose engine is podman; containers it leaves are removed."""
    settings: dict[str, dict[str, object]] = {
        "sandbox": {"engine": "podman", "run_timeout_ms": 3_000},
        "runtimes.profiles.echo": {"image": THIN_IMAGE},
    }
    daemon = DaemonProcess(tmp_path, settings, environment={"CONTAINERS_CONF": environment["CONTAINERS_CONF"]})
    try:
        daemon.start()
        yield daemon
    finally:
        daemon.close()
        engine.remove_all(label_of(daemon))
        print(*daemon.transcript, sep="\n")


def label_of(daemon: DaemonProcess) -> dict[str, str]:
    return {INSTALL_LABEL: install_id(load_settings(daemon.config, {}))}


def test_request_is_answered_from_a_container_that_is_gone_after_it(
    daemon: DaemonProcess, engine: ContainerClient
) -> None:
    """Reply, follow-up into the same container, an orderly stop of the daemon: nothing runs when it has ended."""
    assert daemon.client.ask("kitchen", "hello") == "hello"
    (run,) = daemon.client.runs("kitchen")
    assert (run["sandbox"]["engine"], [found.run_id for found in engine.list_containers(label_of(daemon))]) == (
        "podman",
        [run["run_id"]],
    )
    assert daemon.client.ask("kitchen", "again") == "again"
    assert len(daemon.client.runs("kitchen")) == 1
    assert daemon.terminate() == 0
    assert engine.list_containers(label_of(daemon)) == []


def test_stop_ends_the_container_within_two_seconds(daemon: DaemonProcess, engine: ContainerClient) -> None:
    """A cancelled agent is gone, its container too, and what it was about to say is never sent (B-28, B-69)."""
    daemon.client.say("kitchen", "!slow 30 too late")
    daemon.wait_for_log("run.started", folder="kitchen")
    began = time.monotonic()
    assert daemon.client.ask("kitchen", "/stop") == "Stopped."
    daemon.wait_for_log("run.ended", folder="kitchen", outcome="stopped", ending="done")
    assert time.monotonic() - began < KILL_SECONDS
    assert engine.list_containers(label_of(daemon)) == []
    assert daemon.client.ask("kitchen", "and now?") == "and now?"


def test_request_is_answered_once_after_the_daemon_was_killed(daemon: DaemonProcess, engine: ContainerClient) -> None:
    """The container of a daemon killed with -9 is ended by the next one, and its request is run again (B-66)."""
    assert daemon.client.ask("kitchen", "hello") == "hello"
    daemon.client.say("kitchen", "!slow 1 finished")
    daemon.wait_for_log("run.follow_up", folder="kitchen")
    daemon.kill()
    (orphan,) = engine.list_containers(label_of(daemon))
    daemon.start()
    assert daemon.client.wait_for_replies("kitchen", 2) == ["hello", "finished"]
    assert engine.list_containers({RUN_LABEL: str(orphan.run_id)}) == []
    first, second = daemon.client.runs("kitchen")
    assert (first["run_id"], first["outcome"], second["outcome"]) == (orphan.run_id, "orphaned", None)
    assert daemon.client.replies("kitchen") == ["hello", "finished"]


def test_silent_agent_times_out_and_its_container_with_it(daemon: DaemonProcess, engine: ContainerClient) -> None:
    """After the run's time-out the container is removed, and the try counted."""
    daemon.client.say("kitchen", "!hang")
    daemon.wait_for_log("run.ended", folder="kitchen", outcome="timed_out", ending="retry")
    assert engine.list_containers(label_of(daemon)) == []


def test_stray_of_a_killed_daemon_is_ended_at_start(daemon: DaemonProcess, engine: ContainerClient) -> None:
    """A container whose run is over in the store is swept when the next daemon starts, not an hour later (B-66)."""
    assert daemon.client.ask("kitchen", "hello") == "hello"
    daemon.kill()
    (stray,) = engine.list_containers(label_of(daemon))
    (daemon.home / "data" / "intercom.db").rename(daemon.home / "data" / "other.db")
    daemon.start()
    daemon.wait_for_log("housekeeping.strays_ended")
    assert engine.list_containers({RUN_LABEL: str(stray.run_id)}) == []
