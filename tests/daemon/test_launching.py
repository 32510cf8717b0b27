"""What an agent is told when its run begins."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from intercomd.clock import SystemClock
from intercomd.daemon.launching import AgentChoices, SandboxLauncher
from intercomd.daemon.model_access import open_keyring
from intercomd.domain.chat import Group
from intercomd.domain.ids import ChatJid, Epoch, Folder, Generation, InputId, RunId, Seq, TaskId
from intercomd.domain.prompt import render_prompt
from intercomd.domain.runs import OpenedRun, ProcessIdentity, PromptInput
from intercomd.domain.scheduled import ContextMode, TaskInput
from intercomd.errors import SetupNeeded
from intercomd.gateway.model_gateway import ModelGateway
from intercomd.sandbox.layout import Layout
from intercomd.sandbox.port import AgentInput, SandboxEngine, SandboxListener, SandboxSpec
from tests.actors.agents import ScriptedAgents, ScriptedSandbox

CHOICES = AgentChoices("Amtiskaw", "main", "UTC", "echo", {}, timedelta(minutes=5), Path("no-allowlist.json"))
TASK = TaskInput(TaskId("t1"), datetime(2026, 1, 1, tzinfo=UTC), "check the <log>", ContextMode.ISOLATED)


class _Noting(ScriptedAgents):
    """An engine that keeps what it is to start."""

    told: AgentInput

    def start(self, spec: SandboxSpec, listener: SandboxListener) -> ScriptedSandbox:  # type: ignore[override]
        self.told = spec.agent_input
        identity = ProcessIdentity("noting", "sandbox", 1, 1)
        return ScriptedSandbox(spec.run_id, spec.folder, listener, identity, 2, [], "")


def launcher_of(home: Path, engine: SandboxEngine, choices: AgentChoices, **environment: str) -> SandboxLauncher:
    clock = SystemClock()
    gateway = ModelGateway(home / "gateway", open_keyring(home, {"HOME": str(home), **environment}, clock), clock)
    return SandboxLauncher(engine, Layout(home, home / "groups", "test"), choices, gateway, clock)


def opened_run(folder: str, task: TaskInput | None = None) -> OpenedRun:
    group = Group(ChatJid(f"local:{folder}"), folder, Folder(folder))
    prompt = PromptInput(InputId("i1"), Seq(0), Seq(0), (), 0)
    return OpenedRun(RunId("r1"), group, Epoch(1), Generation(0), 1, prompt, None, task)


def told(home: Path, folder: str, task: TaskInput | None) -> AgentInput:
    """What the agent of such a run reads."""
    engine = _Noting()
    launcher_of(home, engine, CHOICES).launch(opened_run(folder, task), _Nobody())
    return engine.told


class _Nobody:
    def frame(self, number: int, frame: object, size_bytes: int) -> None:
        """Nothing is said."""

    def ended(self, exit_code: int | None, signal: int | None, error_tail: str) -> None:
        """Nothing ends."""


def test_agent_of_a_task_reads_the_task_s_prompt(tmp_path: Path) -> None:
    """Word for word, with the sign that nobody wrote it just now."""
    agent_input = told(tmp_path, "kitchen", TASK)
    assert (agent_input.prompt, agent_input.is_scheduled_task) == ("check the <log>", True)


def test_agent_of_a_request_is_not_told_of_a_task(tmp_path: Path) -> None:
    """Its prompt is what people wrote."""
    agent_input = told(tmp_path, "kitchen", None)
    assert (agent_input.prompt, agent_input.is_scheduled_task) == (render_prompt((), 0), False)


@pytest.mark.parametrize("task", [TASK, None], ids=["task", "request"])
@pytest.mark.parametrize(("folder", "is_main"), [("main", True), ("kitchen", False)])
def test_main_group_s_agent_has_its_rights_for_tasks_and_requests(
    tmp_path: Path, folder: str, is_main: bool, task: TaskInput | None
) -> None:
    """Rights come with the group, whatever began the run (B-77)."""
    assert told(tmp_path, folder, task).is_main is is_main


def test_image_of_the_existing_system_runs_in_containers_only(tmp_path: Path) -> None:
    """Another engine is refused in a sentence, before anything is read or made."""
    choices = replace(CHOICES, default_runtime="claude", legacy=frozenset({"claude"}))
    launcher = launcher_of(tmp_path, _Noting(), choices, ANTHROPIC_API_KEY="key")
    with pytest.raises(SetupNeeded, match="only podman and docker run its image, and agents run in scripted here"):
        launcher.launch(opened_run("kitchen"), _Nobody())
    assert not (tmp_path / "groups").exists()
