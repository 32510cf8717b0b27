"""A door for every run that needs a model, for exactly as long as there is its sandbox."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from intercomd.clock import SystemClock
from intercomd.daemon.launching import AgentChoices, SandboxLauncher
from intercomd.daemon.model_access import DOOR_INSIDE, open_keyring
from intercomd.domain.chat import Group
from intercomd.domain.ids import ChatJid, Epoch, Folder, Generation, InputId, RunId, Seq
from intercomd.domain.runs import OpenedRun, ProcessIdentity, PromptInput
from intercomd.errors import ActorUnavailable, SandboxError, SetupNeeded
from intercomd.gateway.keyring import Keyring
from intercomd.gateway.model_gateway import ModelGateway
from intercomd.sandbox.layout import Layout
from intercomd.sandbox.port import Mount, SandboxListener, SandboxSpec
from tests.actors.agents import ScriptedAgents, ScriptedSandbox

RUN = RunId("r-1")


class _Engine(ScriptedAgents):
    """Keeps what it is to start, or refuses it."""

    spec: SandboxSpec
    listener: SandboxListener

    def start(self, spec: SandboxSpec, listener: SandboxListener) -> ScriptedSandbox:  # type: ignore[override]
        if self.refusal is not None:
            raise self.refusal
        self.spec, self.listener = spec, listener
        return ScriptedSandbox(spec.run_id, spec.folder, listener, ProcessIdentity("e", "s", 1, 1), 2, [], "")


class _Crashed:
    """A run's actor that is not there any more."""

    def frame(self, number: int, frame: object, size_bytes: int) -> None:
        raise ActorUnavailable("run")

    def ended(self, exit_code: int | None, signal: int | None, error_tail: str) -> None:
        raise ActorUnavailable("run")


@pytest.fixture
def engine() -> _Engine:
    return _Engine()


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[ModelGateway]:
    clock = SystemClock()
    with closing(ModelGateway(tmp_path / "gateway", _keyring(tmp_path, "sk-key"), clock)) as gateway:
        yield gateway


def _keyring(home: Path, key: str) -> Keyring:
    return open_keyring(home, {"HOME": str(home), "ANTHROPIC_API_KEY": key}, SystemClock())


def launch(home: Path, engine: _Engine, gateway: ModelGateway, runtime: str) -> None:
    choices = AgentChoices("Amy", "main", "UTC", runtime, {}, timedelta(minutes=5), home / "allowlist.json")
    layout = Layout(home / "data", home / "groups", "test")
    group = Group(ChatJid("local:kitchen"), "kitchen", Folder("kitchen"))
    prompt = PromptInput(InputId("i1"), Seq(0), Seq(0), (), 0)
    opened = OpenedRun(RUN, group, Epoch(1), Generation(0), 1, prompt, None)
    SandboxLauncher(engine, layout, choices, gateway, SystemClock()).launch(opened, _Crashed())


def doors(home: Path) -> list[Path]:
    return sorted((home / "gateway").glob("*"))


def test_agent_that_needs_a_model_has_a_door_until_its_end(
    tmp_path: Path, engine: _Engine, gateway: ModelGateway
) -> None:
    """Mounted and named; closed with the sandbox's end, though nobody listens any more (a crash, a kill, a drain)."""
    launch(tmp_path, engine, gateway, "claude")
    (door,) = doors(tmp_path)
    assert Mount(door, DOOR_INSIDE) in engine.spec.mounts
    assert engine.spec.environment["INTERCOM_GATEWAY_SOCKET"] == DOOR_INSIDE
    assert "sk-key" not in repr(engine.spec)
    assert engine.spec.agent_input.secrets == {}
    with pytest.raises(ActorUnavailable):
        engine.listener.ended(0, None, "")
    assert doors(tmp_path) == []


def test_agent_without_isolation_finds_the_door_where_it_lies(
    tmp_path: Path, engine: _Engine, gateway: ModelGateway
) -> None:
    """An engine without mounts hands over the path itself."""
    engine.is_isolated = False
    launch(tmp_path, engine, gateway, "claude")
    assert engine.spec.environment["INTERCOM_GATEWAY_SOCKET"] == str(doors(tmp_path)[0])


def test_sandbox_that_does_not_start_leaves_no_door(tmp_path: Path, engine: _Engine, gateway: ModelGateway) -> None:
    """Neither when the engine refuses, nor when the run's folders cannot be made."""
    engine.refusal = SandboxError("no engine today")
    with pytest.raises(SandboxError, match="no engine today"):
        launch(tmp_path, engine, gateway, "claude")
    engine.refusal = None  # whose sandbox would have removed the run's folder, which is now in the way
    with pytest.raises(SandboxError, match="cannot create"):
        launch(tmp_path, engine, gateway, "claude")
    assert doors(tmp_path) == []


def test_missing_credential_starts_nothing(tmp_path: Path, engine: _Engine, gateway: ModelGateway) -> None:
    """The launch fails before anything of the run exists."""
    with pytest.raises(SetupNeeded, match="there is no credential for codex"):
        launch(tmp_path, engine, gateway, "codex")
    assert not (tmp_path / "data/run").exists()


def test_agent_that_needs_no_model_has_no_door(tmp_path: Path, engine: _Engine, gateway: ModelGateway) -> None:
    """echo runs without any credential."""
    launch(tmp_path, engine, gateway, "echo")
    assert "INTERCOM_GATEWAY_SOCKET" not in engine.spec.environment
    assert doors(tmp_path) == []
