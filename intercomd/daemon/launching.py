"""From an opened run to a started sandbox: prompt, runtime, directories, engine."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta

from intercomd.actors.run_parts import Launched
from intercomd.clock import Clock
from intercomd.daemon.model_access import start_with_door
from intercomd.domain.models import runtime_of
from intercomd.domain.prompt import render_carried, render_prompt
from intercomd.domain.runs import OpenedRun
from intercomd.errors import SetupNeeded
from intercomd.gateway.model_gateway import Door, ModelGateway, needs_gateway
from intercomd.sandbox.layout import Layout
from intercomd.sandbox.port import AgentInput, SandboxEngine, SandboxListener

BUILT_RUNTIMES = frozenset({"claude", "codex", "echo", "gemini"})
"""What the agent program can drive."""

_OWN_SHARE = 0.9
"""Of the time after which the host kills it: the agent, which knows more about the reason, is to say it first."""


@dataclass(frozen=True, slots=True)
class AgentChoices:
    """Who the agents are; `default_models` by runtime. `silence` is how long a working agent may say nothing."""

    assistant_name: str
    main_folder: str
    timezone: str
    default_runtime: str
    default_models: dict[str, str]
    silence: timedelta


class SandboxLauncher:
    """The `Launcher` of runs."""

    def __init__(
        self, engine: SandboxEngine, layout: Layout, choices: AgentChoices, gateway: ModelGateway, clock: Clock
    ) -> None:
        self._engine = engine
        self._layout = layout
        self._choices = choices
        self._gateway = gateway
        self._clock = clock

    def launch(self, opened: OpenedRun, listener: SandboxListener) -> Launched:
        choices, group = self._choices, opened.group
        runtime = runtime_of(group.runtime, group.model, choices.default_runtime)
        if runtime not in BUILT_RUNTIMES:
            known = ", ".join(sorted(BUILT_RUNTIMES))
            raise SetupNeeded(f"group {group.folder}: there is no agent for runtime {runtime!r}; there is {known}")
        model = group.model or choices.default_models.get(runtime)
        if opened.task is not None:
            prompt = opened.task.prompt
        else:
            prompt = render_prompt(opened.prompt.messages, opened.prompt.omitted)
            if opened.carried is not None:
                prompt = render_carried(opened.carried, choices.assistant_name) + prompt
        agent_input = AgentInput(
            prompt=prompt,
            session_id=opened.session_id,
            folder=group.folder,
            chat_jid=group.jid,
            is_main=group.folder == choices.main_folder,
            assistant_name=choices.assistant_name,
            model=model,
            input_id=opened.prompt.input_id,
            is_scheduled_task=opened.task is not None,
            runtime=runtime,
            timeout=choices.silence * _OWN_SHARE,
        )
        with ExitStack() as undo:
            door = self._open_door(opened, runtime, undo)
            spec = self._layout.prepare_run(
                self._engine, opened.run_id, agent_input, choices.timezone, self._clock.now()
            )
            if door is None:
                sandbox = self._engine.start(spec, listener)
            else:
                sandbox = start_with_door(self._engine, spec, listener, door)
            undo.pop_all()
        return Launched(sandbox, str(spec.log_path), runtime, model)

    def _open_door(self, opened: OpenedRun, runtime: str, undo: ExitStack) -> Door | None:
        """The way to the model, for runtimes that need one; raises `SetupNeeded` when there is no credential."""
        if not needs_gateway(runtime):
            return None
        door = self._gateway.open(opened.run_id, opened.group.folder, runtime)
        undo.callback(door.close)
        return door
