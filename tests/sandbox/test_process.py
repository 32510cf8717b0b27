"""What is particular to the engine without isolation."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from intercomd.clock import SystemClock
from intercomd.errors import SandboxError
from intercomd.sandbox.process import ProcessEngine
from tests.sandbox.harness import Bench, Recorder, assert_dies, open_bench


@pytest.fixture
def open_air(tmp_path: Path) -> Iterator[Bench]:
    with open_bench(ProcessEngine(SystemClock()), tmp_path) as bench:
        yield bench


def test_agent_gets_an_environment_of_its_own(open_air: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """It learns where its directories are, starts in the group's, and sees nothing of the daemon's environment."""
    monkeypatch.setenv("INTERCOM_TEST_SECRET", "s3cret")
    spec = open_air.spec("say(' '.join([os.getcwd(), group, inbox, os.environ['TZ'], *sorted(os.environ)]))")
    _, recorder = open_air.start(spec)
    recorder.wait_until_ended()
    group_dir = str(open_air.group_file("."))
    directory, group, inbox, timezone, *names = recorder.results[0].split()
    assert (directory, group, inbox, timezone) == (group_dir, group_dir, str(spec.input_dir), "UTC")
    directories = [f"INTERCOM_{what}_DIR" for what in ("GLOBAL", "GROUP", "INPUT", "IPC")]
    assert names == ["HOME", *directories, "LANG", "PATH", "TZ"]


def test_command_that_does_not_exist_is_a_failed_start(open_air: Bench) -> None:
    """A program that cannot be executed raises, and the group is free for the next start."""
    spec = replace(open_air.spec(""), command=("/no/such/program",))
    recorder = Recorder()
    with pytest.raises(SandboxError, match="cannot start /no/such/program"):
        open_air.start(spec, recorder)
    assert recorder.calls == [] and not spec.input_dir.exists()
    assert open_air.run("sys.exit(0)")[0].exit_code == 0


def test_process_group_dies_with_the_agent(open_air: Bench) -> None:
    """A child that let go of lock and streams is still in the agent's group, and was killed when `ended` comes."""
    code = """
pid = os.fork()
if pid == 0:
    os.closerange(0, 64)
    hang()
while os.listdir(f"/proc/{pid}/fd"):
    pass
say(pid)
"""
    _, recorder = open_air.run(code)
    assert_dies(int(recorder.results[0]))


def test_descendant_that_escaped_is_not_waited_for(open_air: Bench) -> None:
    """A child in a session of its own that let go of the lock cannot be found; `ended` comes although it holds the
    streams open."""
    code = """
pid = os.fork()
if pid == 0:
    os.setsid()
    os.closerange(3, 64)
    hang()
while os.getsid(pid) == os.getsid(0) or len(os.listdir(f"/proc/{pid}/fd")) > 3:
    pass
say(pid)
"""
    ended, recorder = open_air.run(code)
    os.kill(int(recorder.results[0]), signal.SIGKILL)
    assert ended.exit_code == 0
