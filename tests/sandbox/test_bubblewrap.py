"""What the agent can see and do inside a bubblewrap sandbox: its mounts, and nothing else."""

from __future__ import annotations

import fcntl
import os
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from intercomd.clock import SystemClock
from intercomd.sandbox.bubblewrap import BubblewrapEngine
from tests.sandbox.harness import FOLDER, Bench, open_bench
from tests.sandbox.test_group_lock import assert_refused_start_leaves_the_group_free, killed_daemon

pytestmark = pytest.mark.full

TRY = """
def attempt(action):
    try:
        return str(action())
    except OSError as error:
        return type(error).__name__ + ": " + error.strerror
"""


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Bench]:
    (tmp_path / "groups" / "global").mkdir(parents=True)
    (tmp_path / "groups" / "global" / "memory.md").write_text("shared")
    with open_bench(BubblewrapEngine(SystemClock()), tmp_path) as bench:
        yield bench


def attempt(box: Bench, expression: str, *, is_main: bool = False) -> str:
    """What an expression gives inside: its value, or the error of the system."""
    _, recorder = box.start(box.spec(f"{TRY}\nsay(attempt(lambda: {expression}))", is_main=is_main))
    ended = recorder.wait_until_ended()
    assert ended.exit_code == 0, ended.error_tail
    return recorder.results[0]


def test_there_is_no_network(box: Bench) -> None:
    """A server on the host's loopback cannot be reached, and loopback is the only interface."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        connect = f"__import__('socket').create_connection({server.getsockname()!r}, 5)"
        assert attempt(box, connect).startswith("ConnectionRefusedError")
    assert attempt(box, "[name for _, name in __import__('socket').if_nameindex()]") == "['lo']"


@pytest.mark.parametrize("path", ["/home", "/etc/passwd", "/var", "/run", str(Path(__file__))])
def test_host_files_are_not_there(box: Bench, path: str) -> None:
    """Nothing of the host's files is visible but the system's programs and the mounts."""
    assert os.path.exists(path)
    assert attempt(box, f"os.stat({path!r})").startswith("FileNotFoundError")


@pytest.mark.parametrize("path", ["/file", "/usr/file", "/app/file", "/workspace/file", "/workspace/global/file"])
def test_everything_but_the_group_directory_is_read_only(box: Bench, path: str) -> None:
    """The root, the system, the shared memory and the agent's own code cannot be changed."""
    assert "Read-only" in attempt(box, f"open({path!r}, 'w')")


def test_input_directory_is_read_only(box: Bench) -> None:
    """The agent cannot plant a link where the host writes (B-46)."""
    assert "Read-only" in attempt(box, "os.symlink('/etc/passwd', inbox + '/0000000000001-input.json')")


def test_group_directory_is_shared(box: Bench) -> None:
    """What the agent writes into its group directory is there for the host, and it starts there."""
    assert attempt(box, "open('note.txt', 'w').write(os.getcwd())") == str(len("/workspace/group"))
    assert box.group_file("note.txt").read_text() == "/workspace/group"


def test_shared_memory_is_mounted_for_other_groups_only(box: Bench) -> None:
    """`groups/global` is visible to every group but the main one (original.md §9.4)."""
    expression = "open('/workspace/global/memory.md').read()"
    assert attempt(box, expression) == "shared"
    assert attempt(box, expression, is_main=True).startswith("FileNotFoundError")


def test_temporary_directory_is_private(box: Bench, tmp_path: Path) -> None:
    """/tmp inside is empty, writable, and not the host's."""
    assert attempt(box, "(os.listdir('/tmp'), open('/tmp/secret', 'w').close())") == "([], None)"
    assert not Path("/tmp/secret").exists()


def test_environment_and_arguments_of_the_host_are_invisible(box: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the daemon's environment nor a host path shows up in any process that the agent can see."""
    monkeypatch.setenv("INTERCOM_TEST_SECRET", "s3cret")
    seen = attempt(
        box,
        "b''.join(open(f'/proc/{pid}/{name}', 'rb').read() for pid in os.listdir('/proc') if pid.isdigit()"
        " for name in ('cmdline', 'environ') if pid != str(os.getpid()) or name == 'environ')",
    )
    assert "bwrap" in seen and "INTERCOM_INPUT_DIR" in seen
    assert "s3cret" not in seen and str(box.root) not in seen


def test_host_processes_are_invisible(box: Bench) -> None:
    """The agent sees bwrap's first process and itself."""
    assert attempt(box, "sorted(int(name) for name in os.listdir('/proc') if name.isdigit())") == "[1, 2]"


def test_agent_has_no_capability_and_cannot_gain_one(box: Bench) -> None:
    """All capability sets are empty and set-uid programs give nothing."""
    expression = "[line.split()[1] for line in open('/proc/self/status') if line[:3] in ('Cap', 'NoN')]"
    assert set(attempt(box, expression).strip("[]").replace("'", "").split(", ")) == {"0000000000000000", "1"}


def test_agent_does_not_have_the_lock(box: Bench) -> None:
    """The group's lock stays with bwrap, so the agent cannot give it up."""
    lock = box.layout.lock_path(FOLDER)
    lock.parent.mkdir(parents=True, exist_ok=True)
    lock.touch()
    inodes = "[os.fstat(fd).st_ino for fd in range(64) if os.path.exists(f'/proc/self/fd/{fd}')]"
    assert str(lock.stat().st_ino) not in attempt(box, inodes)


def test_sandbox_dies_with_its_daemon(tmp_path: Path) -> None:
    """`kill -9` of the daemon ends the sandbox by itself: the lock comes free without anybody's help."""
    with killed_daemon(BubblewrapEngine(SystemClock()), tmp_path):
        descriptor = os.open(tmp_path / "data" / "run" / f"{FOLDER}.lock", os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        finally:
            os.close(descriptor)


def test_command_that_does_not_exist_is_a_failed_run(box: Bench) -> None:
    """A program that is missing inside ends the run with bwrap's own words."""
    _, recorder = box.start(replace(box.spec(""), command=("/no/such/program",)))
    ended = recorder.wait_until_ended()
    assert ended.exit_code != 0 and "/no/such/program" in ended.error_tail


@pytest.mark.parametrize("call", ["memfd_create", "lseek"])
def test_options_that_cannot_be_handed_over_fail_one_start(
    box: Bench, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    """When there is no descriptor for bwrap's options, the group's lock comes back and no descriptor stays open."""
    before = set(os.listdir("/proc/self/fd"))
    assert_refused_start_leaves_the_group_free(box, monkeypatch, os, call)
    assert set(os.listdir("/proc/self/fd")) <= before


def test_check_says_why_it_does_not_work(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A missing or failing bwrap is refused with its reason."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "no bwrap program" in (BubblewrapEngine(SystemClock()).check() or "")
    failing = tmp_path / "bwrap"
    failing.write_text("#!/bin/sh\necho no namespaces here >&2\nexit 1\n")
    failing.chmod(0o755)
    assert "no namespaces here" in (BubblewrapEngine(SystemClock()).check() or "")
