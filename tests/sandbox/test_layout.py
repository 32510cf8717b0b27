"""Where a run's files are, and what the agent sees of them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intercomd.clock import SystemClock
from intercomd.domain.ids import ChatJid, Folder, InputId, RunId
from intercomd.errors import SandboxError
from intercomd.sandbox.bubblewrap import BubblewrapEngine
from intercomd.sandbox.layout import Layout, sandbox_name
from intercomd.sandbox.port import AgentInput, SandboxSpec

NOW = datetime(2026, 11, 22, 12, 0, 0, 5000, tzinfo=UTC)


def prepare(root: Path, *, is_main: bool = False) -> SandboxSpec:
    agent_input = AgentInput("p", None, Folder("kitchen"), ChatJid("local:k"), is_main, "Andy", None, InputId("i"))
    return Layout(root / "data", root / "groups", "home").prepare_run(
        BubblewrapEngine(SystemClock()), RunId("r-1"), agent_input, "Europe/Berlin", NOW
    )


def test_run_gets_its_directories(tmp_path: Path) -> None:
    """Input, group and log directories exist; the log is not in a directory that the agent can write (B-70)."""
    spec = prepare(tmp_path)
    assert spec.input_dir == tmp_path / "data" / "run" / "r-1" and spec.input_dir.is_dir()
    assert spec.log_path == tmp_path / "data" / "logs" / "kitchen" / "container-2026-11-22T12-00-00-005Z-r-1.log"
    assert spec.log_path.parent.is_dir()
    ipc = tmp_path / "data" / "ipc" / "kitchen"
    assert [mount.host for mount in spec.mounts if mount.is_writable] == [
        tmp_path / "groups" / "kitchen",
        *(ipc / name for name in ("messages", "tasks", "queries", "responses")),
    ]
    assert all(mount.host.is_dir() for mount in spec.mounts)
    assert spec.environment == {"TZ": "Europe/Berlin", "INTERCOM_IPC_DIR": "/workspace/ipc"}


@pytest.mark.parametrize("linked", ["kitchen", "kitchen/queries"])
def test_ipc_folder_that_is_a_link_is_refused(tmp_path: Path, linked: str) -> None:
    """An agent of the existing system could plant one; nothing behind it is shown to this one (B-46)."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    path = tmp_path / "data" / "ipc" / linked
    path.parent.mkdir(parents=True)
    path.symlink_to(elsewhere)
    with pytest.raises(SandboxError, match="is a link"):
        prepare(tmp_path)


def test_main_group_does_not_see_the_project_root(tmp_path: Path) -> None:
    """No group is shown the install's secrets, the main one included (B-51)."""
    (tmp_path / "groups" / "global").mkdir(parents=True)
    assert [mount.inside for mount in prepare(tmp_path, is_main=True).mounts] == [
        "/workspace/group",
        "/workspace/ipc",
        "/workspace/ipc/messages",
        "/workspace/ipc/tasks",
        "/workspace/ipc/queries",
        "/workspace/ipc/responses",
        "/workspace/ipc/input",
        "/app/agent",
    ]


@pytest.mark.parametrize("place", ["data", "groups"])
def test_folder_that_cannot_be_made_fails_the_start(tmp_path: Path, place: str) -> None:
    """What stands in the way is named: here a file where the folder should be, elsewhere a read-only disk."""
    (tmp_path / place).touch()
    with pytest.raises(SandboxError, match=f"run r-1: cannot create {tmp_path / place}"):
        prepare(tmp_path)


def test_run_id_in_use_is_refused(tmp_path: Path) -> None:
    """Two runs never share a directory (hazards B-25, B-30)."""
    prepare(tmp_path)
    with pytest.raises(SandboxError, match="r-1"):
        prepare(tmp_path)


@given(st.text(max_size=20), st.text(max_size=20))
def test_sandbox_name_is_fit_for_every_engine(install: str, folder: str) -> None:
    """Names are plain ASCII whatever the folder is called (B-68), and the same each time."""
    name = sandbox_name(install, Folder(folder), RunId("r-1"))
    assert name.isascii() and name.replace("-", "").isalnum() and name.endswith("-r-1")
    assert name == sandbox_name(install, Folder(folder), RunId("r-1"))
