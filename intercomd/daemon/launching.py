"""From an opened run to a started sandbox: prompt, runtime, directories, engine."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from intercomd.actors.run_parts import Launched
from intercomd.clock import Clock
from intercomd.daemon.legacy import refuse_legacy
from intercomd.daemon.model_access import start_with_door
from intercomd.domain.chat import Group, Network
from intercomd.domain.container_config import ContainerConfig, parse_container_config
from intercomd.domain.models import runtime_of
from intercomd.domain.prompt import render_carried, render_prompt
from intercomd.domain.runs import OpenedRun
from intercomd.errors import InvalidInput, SetupNeeded
from intercomd.gateway.model_gateway import Door, ModelGateway, needs_gateway
from intercomd.logs import EventLog
from intercomd.sandbox.layout import Layout
from intercomd.sandbox.mount_allowlist import choose_mounts
from intercomd.sandbox.port import AgentInput, Mount, SandboxEngine, SandboxListener

BUILT_RUNTIMES = frozenset({"claude", "codex", "echo", "gemini"})
"""What the agent program can drive."""

_OWN_SHARE = 0.9
"""Of the time after which the host kills it: the agent, which knows more about the reason, is to say it first."""
_log = EventLog("launching")


@dataclass(frozen=True, slots=True)
class AgentChoices:
    """Who the agents are; `default_models` by runtime. `silence` is how long a working agent may say nothing. Runtimes
    in `legacy` run images of the existing system."""

    assistant_name: str
    main_folder: str
    timezone: str
    default_runtime: str
    default_models: dict[str, str]
    silence: timedelta
    mount_allowlist: Path
    legacy: frozenset[str] = frozenset()


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
        is_legacy = runtime in choices.legacy
        model = group.model or choices.default_models.get(runtime)
        if opened.task is not None:
            prompt = opened.task.prompt
        else:
            prompt = render_prompt(opened.prompt.messages, opened.prompt.omitted)
            if opened.carried is not None:
                prompt = render_carried(opened.carried, choices.assistant_name) + prompt
        config = _config_of(group)
        silence = config.timeout or choices.silence
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
            timeout=silence * _OWN_SHARE,
            secrets=self._legacy_secrets(runtime) if is_legacy else {},
            protocol=1 if is_legacy else 2,
        )
        with ExitStack() as undo:
            door = None if is_legacy else self._open_door(opened, runtime, undo)
            spec = self._layout.prepare_run(
                self._engine,
                opened.run_id,
                agent_input,
                choices.timezone,
                self._clock.now(),
                self._further_mounts(config, agent_input),
                has_network=is_legacy or group.network is Network.FULL,
            )
            if door is None:
                sandbox = self._engine.start(spec, listener)
            else:
                sandbox = start_with_door(self._engine, spec, listener, door)
            undo.pop_all()
        return Launched(sandbox, str(spec.log_path), runtime, model, config.timeout)

    def _further_mounts(self, config: ContainerConfig, agent_input: AgentInput) -> tuple[Mount, ...]:
        """What the group asks for and the operator allows; the rest is left out, with its reason in the log."""
        if not config.mounts:
            return ()
        mounts, refusals = choose_mounts(config, self._choices.mount_allowlist, is_main=agent_input.is_main)
        for refusal in refusals:
            _log.warning("mount.refused", folder=agent_input.folder, reason=refusal)
        return tuple(mounts)

    def _legacy_secrets(self, runtime: str) -> dict[str, str]:
        """What an image of the existing system is told, for it alone; raises `SetupNeeded`."""
        refuse_legacy(runtime, self._engine)
        return self._gateway.hand_out(runtime)

    def _open_door(self, opened: OpenedRun, runtime: str, undo: ExitStack) -> Door | None:
        """The way to the model, for runtimes that need one; raises `SetupNeeded` when there is no credential."""
        if not needs_gateway(runtime):
            return None
        door = self._gateway.open(opened.run_id, opened.group.folder, runtime)
        undo.callback(door.close)
        return door


def _config_of(group: Group) -> ContainerConfig:
    """What was stored before there were rules for it may break them; then it counts as none (original.md §10.1)."""
    try:
        return parse_container_config(group.container_config)
    except InvalidInput as error:
        _log.warning("group.config_unusable", folder=group.folder, error=error)
        return ContainerConfig()
