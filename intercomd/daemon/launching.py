"""From an opened run to a started sandbox: prompt, runtime, directories, engine."""

from __future__ import annotations

from dataclasses import dataclass

from intercomd.actors.run_parts import Launched
from intercomd.clock import Clock
from intercomd.domain.models import runtime_of
from intercomd.domain.prompt import render_prompt
from intercomd.domain.runs import OpenedRun
from intercomd.errors import SandboxError
from intercomd.sandbox.layout import Layout
from intercomd.sandbox.port import AgentInput, SandboxEngine, SandboxListener

BUILT_RUNTIMES = frozenset({"echo"})
"""What the agent program can drive."""


@dataclass(frozen=True, slots=True)
class AgentChoices:
    """Who the agents are; `default_models` by runtime."""

    assistant_name: str
    main_folder: str
    timezone: str
    default_runtime: str
    default_models: dict[str, str]


class SandboxLauncher:
    """The `Launcher` of runs."""

    def __init__(self, engine: SandboxEngine, layout: Layout, choices: AgentChoices, clock: Clock) -> None:
        self._engine = engine
        self._layout = layout
        self._choices = choices
        self._clock = clock

    def launch(self, opened: OpenedRun, listener: SandboxListener) -> Launched:
        choices, group = self._choices, opened.group
        runtime = runtime_of(group.runtime, group.model, choices.default_runtime)
        if runtime not in BUILT_RUNTIMES:
            known = ", ".join(sorted(BUILT_RUNTIMES))
            raise SandboxError(f"group {group.folder}: there is no agent for runtime {runtime!r}; there is {known}")
        model = group.model or choices.default_models.get(runtime)
        if opened.task is not None:
            prompt = opened.task.prompt
        else:
            prompt = render_prompt(opened.prompt.messages, opened.prompt.omitted)
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
        )
        spec = self._layout.prepare_run(
            self._engine, opened.run_id, agent_input, choices.timezone, self._clock.now()
        )
        return Launched(self._engine.start(spec, listener), str(spec.log_path), runtime, model)
