"""What an image of the existing system finds on the host's side."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from intercomd.clock import SystemClock
from intercomd.domain.ids import ChatJid, Folder, InputId, RunId
from intercomd.errors import SandboxError
from intercomd.sandbox.containers import PODMAN, ContainerEngine, ContainerSettings
from intercomd.sandbox.inputs import render_agent_input
from intercomd.sandbox.layout import Layout
from intercomd.sandbox.port import AgentInput, SandboxSpec
from tests.support.containers import TEST_LIMITS, container_settings

NOW = datetime(2026, 11, 22, tzinfo=UTC)
IPC = ("/workspace/ipc/messages", "/workspace/ipc/tasks", "/workspace/ipc/queries", "/workspace/ipc/responses")


def agent_input(runtime: str, *, is_main: bool = False) -> AgentInput:
    return AgentInput(
        prompt="p",
        session_id="s",
        folder=Folder("kitchen"),
        chat_jid=ChatJid("local:k"),
        is_main=is_main,
        assistant_name="Andy",
        model="m",
        input_id=InputId("i"),
        secrets={"KEY": "value"},
        runtime=runtime,
        protocol=1,
    )


def prepare(root: Path, runtime: str = "claude", *, is_main: bool = False, run: int = 1) -> SandboxSpec:
    engine = ContainerEngine(PODMAN, container_settings("test", {}), SystemClock())
    layout = Layout(root / "data", root / "groups", "test", root / "programs")
    return layout.prepare_run(engine, RunId(f"r-{run}"), agent_input(runtime, is_main=is_main), "Europe/Vienna", NOW)


def settings_of(root: Path) -> Path:
    return root / "data/sessions/kitchen/.claude/settings.json"


@pytest.mark.parametrize("is_main", [True, False])
def test_claude_s_image_has_the_mounts_of_old_but_the_project(tmp_path: Path, is_main: bool) -> None:
    """Group, exchange, its own state; nobody is shown the install (B-51), nor our agent program."""
    (tmp_path / "groups/global").mkdir(parents=True)
    spec = prepare(tmp_path, is_main=is_main)
    seen = {mount.inside: mount.is_writable for mount in spec.mounts}
    everybody = {"/workspace/group": True, "/workspace/ipc": False, **dict.fromkeys(IPC, True)}
    own = {"/workspace/ipc/input": True, "/home/node/.claude": True}
    assert seen == {**everybody, **own, **({} if is_main else {"/workspace/global": False})}
    assert (spec.command, spec.has_writable_root) == ((), True)
    assert spec.environment == {"TZ": "Europe/Vienna", "INTERCOM_IPC_DIR": "/workspace/ipc", "HOME": "/home/node"}


@pytest.mark.parametrize("runtime", ["codex", "gemini"])
def test_other_images_keep_their_state_in_the_group_s_folder(tmp_path: Path, runtime: str) -> None:
    """As they always did: nothing is mounted into their home."""
    assert "/home/node/.claude" not in {mount.inside for mount in prepare(tmp_path, runtime).mounts}
    assert not (tmp_path / "data/sessions").exists()


def test_settings_of_claude_are_made_once(tmp_path: Path) -> None:
    """With the three switches of the existing system; what an agent made of them stays."""
    prepare(tmp_path)
    text = settings_of(tmp_path).read_text()
    assert text.endswith("}\n") and text.count("\n") > 3
    assert json.loads(text)["env"] == {
        "CLAUDE_CODE_EXPERIMENTAL_AGENT_TEAMS": "1",
        "CLAUDE_CODE_ADDITIONAL_DIRECTORIES_CLAUDE_MD": "1",
        "CLAUDE_CODE_DISABLE_AUTO_MEMORY": "0",
    }
    settings_of(tmp_path).write_text("{}")
    prepare(tmp_path, run=2)
    assert settings_of(tmp_path).read_text() == "{}"


def test_link_in_the_place_of_the_settings_is_not_followed(tmp_path: Path) -> None:
    """An agent cannot have the host write somewhere else (B-46), neither by the file nor by its folder."""
    settings_of(tmp_path).parent.mkdir(parents=True)
    settings_of(tmp_path).symlink_to(tmp_path / "victim")
    prepare(tmp_path)
    assert not (tmp_path / "victim").exists()
    folder = tmp_path / "data/sessions/kitchen/.claude"
    folder.rename(tmp_path / "elsewhere")
    folder.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(SandboxError, match=r"cannot create .*\.claude"):
        prepare(tmp_path, run=2)


def test_input_object_is_that_of_the_existing_system() -> None:
    """No key that its images do not know (original.md §9.2)."""
    keys = ("prompt", "sessionId", "groupFolder", "chatJid", "isMain", "assistantName", "model", "secrets")
    told = json.loads(render_agent_input(agent_input("claude")))
    assert tuple(told) == keys and told["secrets"] == {"KEY": "value"}


def test_missing_image_is_got_in_the_way_that_makes_it() -> None:
    """Ours are built here, those of the operator and of the existing system are not."""
    settings = ContainerSettings("test", "echo", {"codex": "mine:1"}, TEST_LIMITS, {}, legacy=frozenset({"gemini"}))
    assert settings.how_to_get("claude") == settings.how_to_get("echo") == "build it: scripts/images build claude"
    assert settings.how_to_get("codex") == "runtimes.profiles.codex.image names it: build or load it"
    assert settings.how_to_get("gemini") == "build it where the existing system is, or load it"
