"""What the agent can see, do and use up inside a container: its mounts, its limits, and nothing else."""

from __future__ import annotations

import json
import os
import socket
import stat
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from intercomd.errors import SandboxError, SetupNeeded
from intercomd.sandbox.limits import MEGABYTE
from intercomd.sandbox.ownership import AGENT_USER
from intercomd.sandbox.port import Mount
from tests.sandbox.conftest import CONTAINERS
from tests.sandbox.harness import Bench, Recorder
from tests.sandbox.test_bubblewrap import attempt
from tests.support.containers import TEST_LIMITS
from tests.support.waiting import DEADLINE_SECONDS

pytestmark = pytest.mark.full


@pytest.fixture(params=CONTAINERS, scope="session")
def engine_name(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def box(bench: Bench) -> Bench:
    (bench.root / "groups" / "global").mkdir(parents=True)
    (bench.root / "groups" / "global" / "memory.md").write_text("shared")
    return bench


def test_there_is_no_network(box: Bench) -> None:
    """A server on the host's loopback cannot be reached, and loopback is the only interface."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        connect = f"__import__('socket').create_connection({server.getsockname()!r}, 5)"
        assert attempt(box, connect).startswith("ConnectionRefusedError")
    assert "'eth0'" not in attempt(box, "[name for _, name in __import__('socket').if_nameindex()]")


def test_host_files_are_not_there(box: Bench) -> None:
    """Nothing of the host is visible but the mounts."""
    paths = [path for path in ("/root", "/var/lib/dpkg", "/boot", str(Path(__file__))) if os.path.exists(path)]
    assert len(paths) > 1
    assert attempt(box, f"[path for path in {paths!r} if os.path.exists(path)]") == "[]"


def test_only_the_group_directory_and_tmp_take_files(box: Bench) -> None:
    """The root, the system, the shared memory, the input and the agent's own code cannot be changed (B-46)."""
    code = """
def refusal(path):
    try:
        open(path + "/file", "w").close()
    except OSError as error:
        return error.errno
places = ("/", "/usr", "/var", "/app/agent", inbox, "/workspace/global", group, "/tmp")
say(json.dumps({path: refusal(path) for path in places}))
"""
    ended, recorder = box.run(code)
    assert ended.exit_code == 0, ended.error_tail
    refused = {path for path, error in json.loads(recorder.results[0]).items() if error}
    assert refused == {"/", "/usr", "/var", "/app/agent", "/workspace/ipc/input", "/workspace/global"}


def test_group_directory_is_shared_and_its_owner_is_an_ordinary_user(box: Bench) -> None:
    """What the agent writes is there for the host; the agent is not root, and what was there is its own now."""
    folder = box.group_file(".")
    (folder / "below").mkdir(parents=True)
    (folder / "below" / "note.txt").write_text("before")
    (folder / "link").symlink_to("/etc/passwd")
    owner = os.stat("/etc/passwd").st_uid
    code = "(os.getuid(), os.getcwd(), open('below/note.txt', 'a').write('!'), open('new', 'w').write('x'))"
    uid = AGENT_USER.uid if os.geteuid() == 0 else os.geteuid()
    assert attempt(box, code) == f"({uid}, '/workspace/group', 1, 1)"
    assert (folder / "below" / "note.txt").read_text() == "before!"
    assert (folder / "new").stat().st_uid == uid
    assert os.stat("/etc/passwd").st_uid == owner


def test_temporary_directory_is_private_and_bounded(box: Bench) -> None:
    """/tmp inside is empty, runs programs, and is full when its limit says so (B-54)."""
    code = """
empty = os.listdir("/tmp") == []
open("/tmp/run", "w").write("#!/bin/sh\\nexit 7")
os.chmod("/tmp/run", 0o755)
import subprocess
ran = subprocess.run(["/tmp/run"]).returncode
try:
    open("/tmp/large", "wb").write(b"x" * 64_000_000)
except OSError as error:
    say(json.dumps((empty, ran, error.strerror, os.path.getsize("/tmp/large"))))
"""
    _, recorder = box.run(code)
    is_empty, returncode, refusal, size = json.loads(recorder.results[0])
    assert (is_empty, returncode, refusal) == (True, 7, "No space left on device")
    assert size <= TEST_LIMITS.tmp_mb * MEGABYTE


def test_agent_has_no_capability_and_cannot_gain_one(box: Bench) -> None:
    """All capability sets are empty, set-uid programs give nothing, and system calls are filtered."""
    expression = "sorted({line.split()[1] for line in open('/proc/self/status') if line[:3] in ('Cap', 'NoN')})"
    assert attempt(box, expression) == "['0000000000000000', '1']"
    assert attempt(box, "[line.split()[1] for line in open('/proc/self/status') if line[:8] == 'Seccomp:']") == "['2']"


def test_environment_of_the_host_is_invisible(box: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the daemon's environment nor a host path shows up in any process that the agent can see."""
    for name in ("INTERCOM_TEST_SECRET", "HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "s3cret")
    seen = attempt(
        box,
        "b''.join(open(f'/proc/{pid}/{name}', 'rb').read() for pid in os.listdir('/proc') if pid.isdigit()"
        " for name in ('cmdline', 'environ') if pid != '1' or name == 'cmdline')",
    )
    assert "INTERCOM_INPUT_DIR" in seen
    assert "s3cret" not in seen and str(box.root) not in seen


def test_host_processes_are_invisible(box: Bench) -> None:
    """The agent sees the container's init and itself."""
    assert attempt(box, "len([name for name in os.listdir('/proc') if name.isdigit()])") == "2"


def test_memory_limit_ends_an_agent_that_exceeds_it(
    box: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An agent that takes more memory than it may is killed, and told why: exactly where the engine claims it. Nothing
    of it is left where the daemon works."""
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    assert box.engine.check() is None
    ended, _ = box.run(f"x = b'x' * {2 * TEST_LIMITS.memory_mb * MEGABYTE}")
    is_killed = ended.signal == 9 and f"sandbox.memory_limit_mb = {TEST_LIMITS.memory_mb}" in ended.error_tail
    assert is_killed == ("memory" not in box.engine.unenforced)
    assert list((tmp_path / "work").iterdir()) == []


def test_process_limit_refuses_more_processes(box: Bench) -> None:
    """A fork bomb runs into its limit, and the host does not feel it: exactly where the engine claims it."""
    assert box.engine.check() is None
    code = f"""
count = 0
try:
    while count < {2 * TEST_LIMITS.processes}:
        if os.fork() == 0:
            hang()
        count += 1
except OSError:
    pass
say(count)
"""
    _, recorder = box.run(code)
    assert (0 < int(recorder.results[0]) <= TEST_LIMITS.processes) == ("processes" not in box.engine.unenforced)


def test_mounted_socket_works_without_a_network(box: Bench) -> None:
    """A unix socket of the host, mounted into the sandbox, is a way out for whoever holds nothing else."""
    path = box.root / "gateway.sock"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        path.chmod(0o666)
        server.listen()
        server.settimeout(DEADLINE_SECONDS)
        thread = threading.Thread(target=lambda: _answer(server))
        thread.start()
        code = """
import socket
client = socket.socket(socket.AF_UNIX)
client.connect("/run/intercom/gateway.sock")
say(client.recv(100).decode())
"""
        spec = box.spec(code)
        mount = Mount(path, "/run/intercom/gateway.sock")
        _, recorder = box.start(replace(spec, mounts=(*spec.mounts, mount)))
        ended = recorder.wait_until_ended()
        thread.join(DEADLINE_SECONDS)
    assert recorder.results == ["hello"], ended.error_tail
    assert stat.S_ISSOCK(path.stat().st_mode)


def test_gigabyte_of_errors_is_read_and_not_kept(box: Bench) -> None:
    """What an agent writes to its error stream fills neither memory nor disk, and the reply arrives."""
    spec = box.spec("chunk = b'e' * 1_000_000\nfor _ in range(1000): put(chunk, to=2)\nsay('done')")
    _, recorder = box.start(spec)
    assert recorder.wait_until_ended().exit_code == 0
    assert recorder.results == ["done"]
    assert spec.log_path.stat().st_size < MEGABYTE


def test_missing_image_is_said_with_what_builds_it(box: Bench) -> None:
    """No start is tried without its image; the group stays free."""
    spec = box.spec("say('never')")
    recorder = Recorder()
    with pytest.raises(SetupNeeded, match="no image intercom-agent-other:latest; build it: scripts/images build other"):
        box.start(replace(spec, agent_input=replace(spec.agent_input, runtime="other")), recorder)
    assert recorder.calls == [] and not spec.input_dir.exists()
    assert box.run("sys.exit(0)")[0].exit_code == 0


def test_image_without_the_program_is_explained(box: Bench) -> None:
    """The engine's own complaint is the run's error."""
    _, recorder = box.start(replace(box.spec(""), command=("/no/such/program",)))
    ended = recorder.wait_until_ended()
    assert ended.exit_code in {1, 127}
    assert ended.error_tail.startswith(f"{box.engine.name}: the image cannot run the agent: ")
    assert ended.error_tail.endswith("No such file or directory")


def test_image_that_exits_at_once_is_an_end_without_frames(box: Bench) -> None:
    """A program that says nothing is reported as what it is, and leaves nothing."""
    _, recorder = box.start(replace(box.spec("", prompt="p" * 1_000_000), command=("/bin/true",)))
    assert recorder.wait_until_ended().exit_code == 0
    assert recorder.calls == ["ended"]


def test_path_that_would_be_read_as_an_option_is_refused(box: Bench) -> None:
    """A comma in a mounted path adds no option to the mount (B-54)."""
    spec = box.spec("say('never')")
    path = box.root / "a,readonly=false"
    path.mkdir()
    with pytest.raises(SandboxError, match="cannot be mounted"):
        box.start(replace(spec, mounts=(*spec.mounts, Mount(path, "/extra"))))


def _answer(server: socket.socket) -> None:
    connection, _ = server.accept()
    with connection:
        connection.sendall(b"hello")
