"""One sandbox per group, whatever became of the daemon that started it."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from intercomd.domain.ids import RunId
from intercomd.domain.runs import ProcessIdentity
from intercomd.errors import SandboxError
from intercomd.sandbox import group_lock
from intercomd.sandbox.port import SandboxEngine
from tests.sandbox.harness import FOLDER, INSTALL, Bench, Recorder, assert_dies

PROJECT = Path(__file__).parents[2]

DAEMON = """
import json, os, sys, threading
from dataclasses import asdict
from pathlib import Path
from tests.sandbox.harness import Bench, make_engine
name, install, root = sys.argv[1:]
bench = Bench(make_engine(name, install, os.environ), Path(root), install)
sandbox, recorder = bench.start(bench.spec("say('up'); hang()"))
recorder.wait_for_result("up")
print(json.dumps(asdict(sandbox.identity)), flush=True)
threading.Event().wait()
"""


@contextmanager
def killed_daemon(
    engine: SandboxEngine, root: Path, environment: Mapping[str, str] = os.environ
) -> Iterator[ProcessIdentity]:
    """The sandbox of a daemon of its own that was killed without warning."""
    argv = (sys.executable, "-c", DAEMON, engine.name, INSTALL, str(root))
    with subprocess.Popen(argv, stdout=subprocess.PIPE, cwd=PROJECT, text=True, env=environment) as daemon:
        assert daemon.stdout is not None
        line = daemon.stdout.readline()
        daemon.kill()
    yield ProcessIdentity(**json.loads(line))


def assert_refused_start_leaves_the_group_free(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, place: object, call: str
) -> None:
    """`call` of the standard library fails during one start, which says so at once; the next one works."""

    def refuse(*_: object) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    spec, recorder = bench.spec("hang()"), Recorder()
    with monkeypatch.context() as patch:
        patch.setattr(place, call, refuse)
        with pytest.raises(SandboxError, match="Too many open files"):
            bench.start(spec, recorder)
    assert recorder.calls == [] and not spec.input_dir.exists()
    assert bench.run("sys.exit(0)")[0].exit_code == 0


def test_second_start_for_a_group_is_refused(engine: SandboxEngine, bench: Bench) -> None:
    """While a group has a sandbox there is no other; the refused one leaves nothing and disturbs nothing."""
    sandbox, first = bench.start(bench.spec("say('up'); sys.stdin.read(); hang()"))
    first.wait_for_result("up")
    spec, second = bench.spec("say('never')"), Recorder()
    with pytest.raises(SandboxError, match="has a sandbox already"):
        engine.start(spec, second)
    assert not spec.input_dir.exists() and second.calls == []
    sandbox.kill()
    first.wait_until_ended()


@pytest.mark.parametrize(("place", "call"), [(fcntl, "flock"), (os, "pidfd_open"), (Path, "read_bytes")])
def test_start_that_the_system_refuses_leaves_the_group_free(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, place: object, call: str
) -> None:
    """A limit of the system, met before or after the process is there, fails this start only."""
    assert_refused_start_leaves_the_group_free(bench, monkeypatch, place, call)


def test_lock_is_free_when_ended_is_told(bench: Bench) -> None:
    """The next run of the group may start the moment the last one ended, ten times in a row."""
    for _ in range(10):
        ended, _ = bench.run("sys.exit(0)")
        assert ended.exit_code == 0


def test_lock_is_held_by_the_sandbox_and_not_by_us(direct_bench: Bench) -> None:
    """Whoever holds the lock belongs to the sandbox: the daemon may die without freeing it."""
    _, recorder = direct_bench.start(direct_bench.spec("say('up'); hang()"))
    recorder.wait_for_result("up")
    lock_path = direct_bench.layout.lock_path(FOLDER)
    assert group_lock.find_holders(lock_path)
    assert lock_path.stat().st_ino not in {
        os.stat(f"/proc/self/fd/{name}").st_ino for name in os.listdir("/proc/self/fd") if _exists(name)
    }


@pytest.mark.parametrize("is_recorded", [True, False])
def test_orphan_of_a_killed_daemon_is_ended(
    engine: SandboxEngine, environment: Mapping[str, str], tmp_path: Path, is_recorded: bool
) -> None:
    """After `kill -9` of the daemon the next one frees the group, with and without a recorded identity (B-66)."""
    lock_path = tmp_path / "data" / "run" / f"{FOLDER}.lock"
    with killed_daemon(engine, tmp_path, environment) as identity:
        engine.end_orphan(RunId("run-1"), identity if is_recorded else None, lock_path)
        assert group_lock.find_holders(lock_path) == set()
        assert_dies(identity.pid)
        os.close(group_lock.acquire(lock_path, "r-2"))


def test_end_orphan_spares_a_process_that_got_the_number(engine: SandboxEngine, tmp_path: Path) -> None:
    """A recorded pid that belongs to a younger process now is not killed."""
    with subprocess.Popen((sys.executable, "-c", "input()"), stdin=subprocess.PIPE) as bystander:
        ticks = group_lock.find_start_ticks(bystander.pid)
        assert ticks is not None
        identity = ProcessIdentity(engine.name, "x", bystander.pid, ticks - 1)
        engine.end_orphan(RunId("r-1"), identity, tmp_path / "x.lock")
        bystander.communicate(b"\n")
    assert bystander.returncode == 0


def test_end_orphan_says_when_the_lock_stays_held(tmp_path: Path) -> None:
    """A holder that cannot be ended is an error that names the lock: here it is ourselves."""
    lock_path = tmp_path / "x.lock"
    descriptor = group_lock.acquire(lock_path, "r-1")
    try:
        with pytest.raises(SandboxError, match="is still held"):
            group_lock.end_orphan(RunId("r-1"), None, lock_path, seconds=0.05)
    finally:
        os.close(descriptor)


def test_end_orphan_spares_the_sandbox_of_another_run(engine: SandboxEngine, bench: Bench) -> None:
    """A daemon that was replaced settles what it takes for left behind: the new owner's sandbox is let be, and the
    left-behind run is not taken for proven dead (B-66)."""
    sandbox, recorder = bench.start(bench.spec("say('up'); hang()"))
    recorder.wait_for_result("up")
    lock_path = bench.layout.lock_path(FOLDER)
    with pytest.raises(SandboxError, match="held by run run-1"):
        engine.end_orphan(RunId("run-0"), None, lock_path)
    assert group_lock.find_holders(lock_path)
    sandbox.kill()
    recorder.wait_until_ended()
    engine.end_orphan(RunId("run-0"), None, lock_path)


def test_end_orphan_ends_a_holder_that_did_not_get_to_say_who_it_is(engine: SandboxEngine, tmp_path: Path) -> None:
    """A daemon killed between taking the lock and naming its run leaves a lock that is nobody's."""
    lock_path = tmp_path / "x.lock"
    descriptor = group_lock.acquire(lock_path, "")
    argv = (sys.executable, "-c", "input()")
    with subprocess.Popen(argv, stdin=subprocess.PIPE, pass_fds=(descriptor,)) as left_behind:
        os.close(descriptor)
        engine.end_orphan(RunId("r-1"), None, lock_path)
    assert left_behind.returncode == -signal.SIGKILL


def test_sandbox_of_another_owner_is_spared(tmp_path: Path) -> None:
    """A daemon that stood still finds the next one's sandbox in the group: its own is gone, and that one is left alone
    (B-66)."""
    lock_path = tmp_path / "x.lock"
    os.close(group_lock.acquire(lock_path, "r-1"))
    descriptor = group_lock.acquire(lock_path, "r-2")
    argv = (sys.executable, "-c", "input()")
    with subprocess.Popen(argv, stdin=subprocess.PIPE, pass_fds=(descriptor,)) as sandbox:
        os.close(descriptor)
        assert group_lock.wait_until_free(lock_path, 10, "r-1")
        assert group_lock.find_holders(lock_path) == {sandbox.pid}
        sandbox.communicate(b"\n")
    assert sandbox.returncode == 0


def test_lock_names_its_present_owner_whatever_the_length_of_the_name_before(tmp_path: Path) -> None:
    """Nothing of an earlier owner's name is left, so nobody is taken for another one (B-66)."""
    for owner in ("run-1", "r-1", "", "run-22"):
        group_lock.give_back(group_lock.acquire(tmp_path / "x.lock", owner))
        assert (tmp_path / "x.lock").read_text() == owner


def test_holder_of_an_unlocked_descriptor_is_no_holder(tmp_path: Path) -> None:
    """A process that merely has the file open is not found, and so never killed."""
    lock_path = tmp_path / "x.lock"
    lock_path.touch()
    descriptor = os.open(lock_path, os.O_RDONLY)
    try:
        argv = (sys.executable, "-c", "input()")
        with subprocess.Popen(argv, stdin=subprocess.PIPE, pass_fds=(descriptor,)) as bystander:
            assert group_lock.find_holders(lock_path) == set()
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            assert group_lock.find_holders(lock_path) == {bystander.pid}
            bystander.communicate(b"\n")
    finally:
        os.close(descriptor)


def test_lock_path_that_is_a_link_is_refused(tmp_path: Path) -> None:
    """The lock is never taken through a link (B-46)."""
    (tmp_path / "x.lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(SandboxError, match="cannot open"):
        group_lock.acquire(tmp_path / "x.lock", "r-1")
    assert not (tmp_path / "elsewhere").exists()


def _exists(descriptor: str) -> bool:
    return os.path.exists(f"/proc/self/fd/{descriptor}")
