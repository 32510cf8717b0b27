"""Containers outlive their clients; nothing of this install outlives its run, and nothing of others is touched."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from intercomd.domain.ids import RunId
from intercomd.errors import SandboxError
from intercomd.sandbox import group_lock
from intercomd.sandbox.choice import end_strays
from intercomd.sandbox.container_client import (
    GROUP_LABEL,
    INSTALL_LABEL,
    RUN_LABEL,
    ContainerClient,
    Found,
)
from intercomd.sandbox.containers import DOCKER, PODMAN, ContainerEngine
from intercomd.sandbox.port import SandboxEngine
from tests.sandbox.conftest import CONTAINERS
from tests.sandbox.harness import FOLDER, INSTALL, Bench, assert_dies, make_engine, open_bench
from tests.sandbox.test_group_lock import killed_daemon
from tests.support.waiting import DEADLINE_SECONDS, logged_events

RUN = RunId("run-1")
HANG = "say('up'); hang()"
KILL_TIME = timedelta(seconds=2)


@pytest.fixture(params=CONTAINERS, scope="session")
def engine_name(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def client(engine: SandboxEngine, environment: Mapping[str, str]) -> ContainerClient:
    dialect = PODMAN if engine.name == "podman" else DOCKER
    return ContainerClient(engine.name, dialect.run_label_format, environment)


def list_own(client: ContainerClient, **labels: str) -> list[Found]:
    return client.list_containers({INSTALL_LABEL: INSTALL, **labels})


@pytest.mark.full
def test_container_carries_install_group_and_run(bench: Bench, client: ContainerClient) -> None:
    """Each label alone finds it, and another value does not."""
    _, recorder = bench.start(bench.spec(HANG))
    recorder.wait_for_result("up")
    (found,) = list_own(client)
    assert found.run_id == RUN
    assert client.list_containers({GROUP_LABEL: FOLDER, RUN_LABEL: RUN, INSTALL_LABEL: INSTALL}) == [found]
    assert client.list_containers({INSTALL_LABEL: INSTALL, RUN_LABEL: "run-2"}) == []


@pytest.mark.full
def test_container_is_gone_when_its_client_was_killed(bench: Bench, client: ContainerClient) -> None:
    """`kill -9` of the client alone: the container does not live on, and the end is told when it is gone (B-66)."""
    sandbox, recorder = bench.start(bench.spec(HANG))
    recorder.wait_for_result("up")
    os.kill(sandbox.identity.pid, signal.SIGKILL)
    assert recorder.wait_until_ended().signal == signal.SIGKILL
    assert list_own(client) == []
    assert bench.run("sys.exit(0)")[0].exit_code == 0


@pytest.mark.full
def test_kill_takes_less_than_two_seconds(bench: Bench, client: ContainerClient) -> None:
    """An agent that ignores every signal it can is gone two seconds after the kill (B-28, B-69)."""
    ignore = "for number in (1, 2, 15): signal.signal(number, signal.SIG_IGN)\n"
    sandbox, recorder = bench.start(bench.spec(ignore + HANG))
    recorder.wait_for_result("up")
    sandbox.kill()
    assert sandbox.wait(KILL_TIME)
    assert list_own(client) == []


@pytest.mark.full
def test_second_container_of_a_run_is_refused_and_the_first_lives_on(bench: Bench, client: ContainerClient) -> None:
    """The name is the run's own: whoever starts it again, even without the lock, gets an error and harms nothing."""
    _, first = bench.start(bench.spec(HANG))
    first.wait_for_result("up")
    again = bench.spec("say('never')")
    _, second = bench.start(replace(again, run_id=RUN, lock_path=again.lock_path.with_name("other.lock")))
    ended = second.wait_until_ended()
    assert (ended.exit_code, second.results) == (125, [])
    assert "in use" in ended.error_tail
    assert len(list_own(client)) == 1


@pytest.mark.full
def test_group_starts_nothing_while_its_engine_is_silent(tmp_path: Path, podman: Mapping[str, str]) -> None:
    """An engine that does not answer delays the end, until the container is known to be gone; a start of the group
    is refused meanwhile."""
    is_silent = tmp_path / "silent"
    bin_dir = tmp_path / "bin"
    bin_dir.mkdir()
    real = shutil.which("podman")
    script = bin_dir / "podman"
    script.write_text(f'#!/bin/sh\n[ "$1" = ps ] && [ -e {is_silent} ] && exit 1\nexec {real} "$@"\n')
    script.chmod(0o755)
    environment = {**podman, "PATH": f"{bin_dir}:{podman['PATH']}"}
    with logged_events() as log, open_bench(make_engine("podman", INSTALL, environment), tmp_path) as bench:
        sandbox, recorder = bench.start(bench.spec(HANG))
        recorder.wait_for_result("up")
        is_silent.touch()
        sandbox.kill()
        try:
            log.wait_for_event("sandbox.not_ended", run_id=RUN)
            with pytest.raises(SandboxError, match=r"not known to be gone|has a sandbox already"):
                bench.start(bench.spec("say('never')"))
            assert recorder.outcome is None
        finally:
            is_silent.unlink()
        recorder.wait_until_ended()
        assert bench.run("sys.exit(0)")[0].exit_code == 0


@pytest.mark.full
def test_strays_are_ended_and_live_runs_and_other_installs_are_not(
    bench: Bench, engine: SandboxEngine, environment: Mapping[str, str], tmp_path: Path
) -> None:
    """A container whose run is over goes; one of a live run, and one of another install, stay (B-66)."""
    assert isinstance(engine, ContainerEngine)
    other = make_engine(engine.name, f"{INSTALL}other", environment)
    assert isinstance(other, ContainerEngine)
    _, recorder = bench.start(bench.spec(HANG))
    recorder.wait_for_result("up")
    assert engine.end_strays(lambda: frozenset({RUN})) == 0
    assert other.end_strays(frozenset) == 0
    assert recorder.outcome is None
    assert engine.end_strays(frozenset) == 1
    assert recorder.wait_until_ended().signal == signal.SIGKILL


@pytest.mark.full
def test_container_of_a_killed_daemon_is_a_stray(
    engine: SandboxEngine, environment: Mapping[str, str], client: ContainerClient, tmp_path: Path
) -> None:
    """A daemon killed with -9 leaves its container; the next one's first sweep ends it and its client, whatever
    became of the run's row (B-66)."""
    with killed_daemon(engine, tmp_path, environment) as identity:
        assert len(list_own(client)) == 1
        assert end_strays([engine], tmp_path / "data" / "run", frozenset) > 0
        assert_dies(identity.pid)
        assert list_own(client) == []
        assert group_lock.find_holders(tmp_path / "data" / "run" / f"{FOLDER}.lock") == set()


def test_process_that_hangs_after_its_run_was_settled_is_ended(tmp_path: Path) -> None:
    """An agent without a container that outlived its run frees its group's lock; one whose run is live keeps it."""
    argv = (sys.executable, "-c", "input()")
    holders = {}
    for name in ("over", "live"):
        descriptor = group_lock.acquire(tmp_path / f"{name}.lock", f"r-{name}")
        holders[name] = subprocess.Popen(argv, stdin=subprocess.PIPE, pass_fds=(descriptor,))
        os.close(descriptor)
    (tmp_path / "free.lock").touch()
    with holders["over"] as over, holders["live"] as live:
        assert group_lock.end_strays(tmp_path, lambda: frozenset({RunId("r-live")})) == 1
        assert over.wait(DEADLINE_SECONDS) == -signal.SIGKILL
        assert group_lock.find_holders(tmp_path / "live.lock") == {live.pid}
        live.communicate(b"\n", DEADLINE_SECONDS)


def test_holder_that_has_not_said_who_it_is_is_no_stray(tmp_path: Path) -> None:
    """A start between taking the lock and naming its run is let be."""
    descriptor = group_lock.acquire(tmp_path / "x.lock", "")
    argv = (sys.executable, "-c", "input()")
    with subprocess.Popen(argv, stdin=subprocess.PIPE, pass_fds=(descriptor,)) as starting:
        os.close(descriptor)
        assert group_lock.end_strays(tmp_path, frozenset) == 0
        starting.communicate(b"\n", DEADLINE_SECONDS)
    assert starting.returncode == 0


def test_engine_that_does_not_answer_is_passed_over(tmp_path: Path) -> None:
    """One engine's silence keeps no other from being swept."""
    program = tmp_path / "docker"
    program.write_text("#!/bin/sh\necho 'Cannot connect to the Docker daemon' >&2\nexit 1\n")
    program.chmod(0o755)
    docker = make_engine("docker", INSTALL, {"PATH": str(tmp_path)})
    with logged_events() as log:
        assert end_strays([docker], tmp_path, frozenset) == 0
    assert log.wait_for_event("sandbox.engine_silent", engine="docker")
