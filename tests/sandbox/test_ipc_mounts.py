"""What an agent can see and do at /workspace/ipc: four folders to write into, and nothing else."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.sandbox.conftest import CONTAINERS
from tests.sandbox.harness import FOLDER, INSTALL, Bench, make_engine, open_bench

pytestmark = pytest.mark.full

WRITABLE = ("messages", "tasks", "queries", "responses")
TRY = """
ipc = os.environ["INTERCOM_IPC_DIR"]
def attempt(action):
    try:
        return str(action())
    except OSError as error:
        return type(error).__name__ + ": " + error.strerror
"""


@pytest.fixture(params=["bubblewrap", *CONTAINERS], scope="session")
def engine_name(request: pytest.FixtureRequest) -> str:
    """Those that isolate."""
    name: str = request.param
    return name


@pytest.fixture
def box(bench: Bench) -> Bench:
    return bench


def attempt(box: Bench, expression: str) -> str:
    """What an expression gives inside: its value, or the error of the system."""
    ended, recorder = box.run(f"{TRY}\nsay(attempt(lambda: {expression}))")
    assert ended.exit_code == 0, ended.error_tail
    return recorder.results[0]


def test_agent_finds_the_folders_and_the_snapshots(box: Bench) -> None:
    """In the place where the containers of the existing system look for them (original.md §10.4)."""
    box.spec("")
    (box.layout.views_root / FOLDER / "current_tasks.json").write_text("[1]")
    listed = attempt(box, "sorted(os.listdir('/workspace/ipc'))")
    assert json.loads(listed.replace("'", '"')) == sorted((*WRITABLE, "input", "current_tasks.json"))
    assert attempt(box, "open('/workspace/ipc/current_tasks.json').read()") == "[1]"
    assert attempt(box, "ipc") == "/workspace/ipc"


@pytest.mark.parametrize("name", WRITABLE)
def test_what_is_put_into_a_folder_is_there_for_the_host(box: Bench, name: str) -> None:
    """Written aside and renamed, as the protocol says; and answers can be removed."""
    code = f"path = ipc + '/{name}/1-x.json'\nopen(path + '.tmp', 'w').write('[]')\nos.rename(path + '.tmp', path)"
    ended, _ = box.run(TRY + code)
    assert ended.exit_code == 0, ended.error_tail
    path = box.layout.ipc_root / FOLDER / name / "1-x.json"
    assert path.read_text() == "[]"
    assert attempt(box, f"os.unlink(ipc + '/{name}/1-x.json')") == "None"
    assert not path.exists()


@pytest.mark.parametrize(
    "action",
    [
        "open(ipc + '/current_tasks.json', 'w')",
        "os.unlink(ipc + '/current_tasks.json')",
        "os.symlink('/etc', ipc + '/link')",
        "os.rename(ipc + '/messages', ipc + '/elsewhere')",
        "os.rmdir(ipc + '/responses')",
        "os.symlink('/etc', ipc + '/input/link')",
    ],
)
def test_agent_cannot_change_what_the_host_relies_on(box: Bench, action: str) -> None:
    """Neither snapshots, nor which directory is which (B-46)."""
    box.spec("")
    (box.layout.views_root / FOLDER / "current_tasks.json").write_text("[1]")
    assert "Error: " in attempt(box, action)
    assert (box.layout.views_root / FOLDER / "current_tasks.json").read_text() == "[1]"
    assert sorted(os.listdir(box.layout.ipc_root / FOLDER)) == sorted(WRITABLE)


def test_quarantine_is_out_of_reach(box: Bench) -> None:
    """Nothing inside leads to it (B-92)."""
    box.spec("")
    (box.layout.quarantine_root / FOLDER).mkdir(parents=True)
    (box.layout.quarantine_root / FOLDER / "kept").write_text("x")
    assert attempt(box, "[path for path, _, files in os.walk('/workspace') if 'kept' in files]") == "[]"


def test_agent_without_a_sandbox_is_told_where_the_folder_is(tmp_path: Path) -> None:
    """No mounts there, so the environment says it."""
    with open_bench(make_engine("process", INSTALL, os.environ), tmp_path) as bench:
        assert attempt(bench, "ipc") == str(bench.layout.ipc_root / FOLDER)
        assert attempt(bench, "sorted(os.listdir(ipc))") == str(sorted(WRITABLE))
