"""The real programs, each in a sandbox without network, at a provider that the test plays: no part of ours is left out.

    agents = RealAgents(tmp_path, provider, engine)
    run = agents.run("claude", "hello")
    assert run.replies == ["hi"]

The programs are those that scripts/agents installed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from intercomd.clock import SystemClock
from intercomd.daemon.launching import AgentChoices, SandboxLauncher
from intercomd.domain.chat import ChatMessage, Group, MessageKind
from intercomd.domain.frames import AgentFailed, Frame, Result, SessionLost, TextDelta, ToolStarted, TurnEnded
from intercomd.domain.ids import ChatJid, Epoch, Folder, Generation, InputId, RunId, Seq, TaskId
from intercomd.domain.runs import OpenedRun, PromptInput
from intercomd.domain.scheduled import ContextMode, TaskInput
from intercomd.sandbox.layout import Layout
from intercomd.sandbox.port import Sandbox, SandboxEngine
from tests.gateway.doors import Household
from tests.sandbox.harness import DEADLINE, Ended, Recorder
from tests.support.daemon import ROOT
from tests.support.provider import FakeProvider

PROGRAMS = Path(os.environ.get("INTERCOM_TEST_AGENTS", ROOT / ".cache/agents"))
RUNTIMES = ("claude", "codex", "gemini")
MODELS = {"claude": "claude-opus-4-6", "codex": "gpt-5.3-codex", "gemini": "gemini-3.1-pro"}
SHELLS = {
    "claude": ("Bash", "command"),
    "codex": ("exec_command", "cmd"),
    "gemini": ("run_shell_command", "command"),
}
"""The tool that runs a command, and its argument, as each program offers it to its model."""
FOLDER = Folder("kitchen")
_JID = ChatJid("local:kitchen")
_NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
_LONG = timedelta(seconds=60)


@dataclass
class RealRun:
    """A run and what came of it."""

    sandbox: Sandbox
    recorder: Recorder

    def wait(self) -> Ended:
        return self.recorder.wait_until_ended()

    @property
    def frames(self) -> list[Frame]:
        return self.recorder.frames.values

    @property
    def replies(self) -> list[str]:
        return self.recorder.results

    @property
    def streamed(self) -> list[str]:
        return [frame.text for frame in self.frames if isinstance(frame, TextDelta)]

    @property
    def tools(self) -> list[str]:
        return [frame.tool for frame in self.frames if isinstance(frame, ToolStarted)]

    @property
    def lost_sessions(self) -> list[str]:
        return [frame.session_id for frame in self.frames if isinstance(frame, SessionLost)]

    @property
    def session_id(self) -> str:
        """The one that the last turn ended in."""
        session_id = [frame.session_id for frame in self.frames if isinstance(frame, TurnEnded)][-1]
        assert session_id is not None
        return session_id

    @property
    def failure(self) -> AgentFailed:
        """The error it ended with; there is no answer beside it."""
        *_, last = self.frames
        assert isinstance(last, AgentFailed) and not any(isinstance(frame, Result) for frame in self.frames)
        return last

    def wait_for_turns(self, count: int) -> None:
        """Until so many turns have ended."""
        ends: list[Frame] = []
        self.recorder.frames.wait_for(lambda frame: _adds(ends, frame) >= count, f"the end of turn {count}")


class RealAgents:
    """Runs of one group in an install of its own, all at one provider."""

    def __init__(
        self, root: Path, provider: FakeProvider, engine: SandboxEngine, programs: Path | None = PROGRAMS
    ) -> None:
        """Without `programs` the engine's images have them."""
        self.group_dir = root / "groups" / FOLDER
        self.global_dir = root / "groups/global"
        self._household = Household(root / "keeper")
        choices = AgentChoices(
            assistant_name="Amtiskaw",
            main_folder="main",
            timezone="UTC",
            default_runtime="echo",
            default_models={},
            silence=_LONG,
            mount_allowlist=root / "no-allowlist.json",
        )
        self._choices = choices
        self._engine = engine
        self._layout = Layout(root / "data", root / "groups", "test", programs)
        self._gateway = self._household.gateway(dict.fromkeys(RUNTIMES, provider.url))
        self._runs: list[RealRun] = []

    def start(
        self,
        runtime: str,
        text: str = "hello",
        *,
        session_id: str | None = None,
        silence: timedelta = _LONG,
        is_task: bool = False,
    ) -> RealRun:
        """A run that waits for follow-ups after its first turn."""
        number = len(self._runs) + 1
        group = Group(
            _JID,
            "Kitchen",
            FOLDER,
            runtime=runtime,
            model=MODELS[runtime],
            container_config={"timeout": silence // timedelta(milliseconds=1)},
        )
        opened = OpenedRun(
            run_id=RunId(f"run-{number}"),
            group=group,
            epoch=Epoch(1),
            generation=Generation(0),
            attempt=1,
            prompt=_prompt(number, text),
            session_id=session_id,
            task=TaskInput(TaskId("task-1"), _NOON, text, ContextMode.GROUP) if is_task else None,
        )
        recorder = Recorder()
        launcher = SandboxLauncher(self._engine, self._layout, self._choices, self._gateway, SystemClock())
        launched = launcher.launch(opened, recorder)
        recorder.attach(launched.sandbox)
        self._runs.append(RealRun(launched.sandbox, recorder))
        return self._runs[-1]

    def run(
        self,
        runtime: str,
        text: str = "hello",
        *,
        session_id: str | None = None,
        silence: timedelta = _LONG,
        is_task: bool = False,
    ) -> RealRun:
        """A run of one turn, after its end."""
        run = self.start(runtime, text, session_id=session_id, silence=silence, is_task=is_task)
        run.sandbox.close_input()
        run.wait()
        return run

    def close(self) -> None:
        for run in self._runs:
            run.sandbox.kill()
        assert all(run.sandbox.wait(DEADLINE) for run in self._runs)
        self._household.close()


@contextmanager
def real_agents(
    root: Path, engine: SandboxEngine, programs: Path | None = PROGRAMS
) -> Iterator[tuple[RealAgents, FakeProvider]]:
    """Agents and their provider for the time of the block."""
    with FakeProvider() as provider:
        agents = RealAgents(root, provider, engine, programs)
        try:
            yield agents, provider
        finally:
            agents.close()


def _prompt(number: int, text: str) -> PromptInput:
    message = ChatMessage(_JID, Seq(number), f"m{number}", "a", "Ada", text, _NOON, _NOON, MessageKind.REQUEST)
    return PromptInput(InputId(f"input-{number}"), Seq(number - 1), Seq(number), (message,), 0)


def _adds(ends: list[Frame], frame: Frame) -> int:
    if isinstance(frame, TurnEnded):
        ends.append(frame)
    return len(ends)
