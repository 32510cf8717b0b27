"""The agents of the bench, and what they cost without us."""

from __future__ import annotations

import os
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from intercomd.clock import SystemClock
from intercomd.daemon.launching import AgentChoices
from intercomd.domain.ids import ChatJid, Folder, InputId
from intercomd.sandbox.agent_program import agent_command
from intercomd.sandbox.inputs import SENTINEL, render_agent_input
from intercomd.sandbox.port import AgentInput, Sandbox, SandboxEngine, SandboxListener, SandboxSpec
from intercomd.sandbox.process import ProcessEngine

_SOURCE = Path(__file__).with_name("agent.c")
_DEADLINE_S = 30.0
CHOICES = AgentChoices(
    assistant_name="Bench",
    main_folder="main",
    timezone="UTC",
    default_runtime="echo",
    default_models={},
    silence=timedelta(seconds=_DEADLINE_S),
    mount_allowlist=Path("no-allowlist.json"),
)


@dataclass(frozen=True)
class Agent:
    """A program that answers a run."""

    name: str
    command: tuple[str, ...]

    def engine(self) -> SandboxEngine:
        """The engine of the product, told to run this program."""
        return _OtherProgram(self.command)


def echo_agent() -> Agent:
    return Agent("echo", agent_command(ProcessEngine(SystemClock())))


def tiny_agent(home: Path) -> Agent:
    """agent.c, compiled; an agent that costs next to nothing."""
    program = home / "tiny-agent"
    subprocess.run(("cc", "-O2", "-o", program, _SOURCE), check=True, timeout=_DEADLINE_S)
    return Agent("tiny", (str(program),))


class _OtherProgram:
    """The `process` engine with another command in the spec."""

    is_isolated = False

    def __init__(self, command: tuple[str, ...]) -> None:
        self._command = command
        self._engine = ProcessEngine(SystemClock())
        self.name = self._engine.name
        self.python = self._engine.python
        self.unenforced = self._engine.unenforced
        self.check = self._engine.check
        self.end_orphan = self._engine.end_orphan

    def start(self, spec: SandboxSpec, listener: SandboxListener) -> Sandbox:
        return self._engine.start(replace(spec, command=self._command), listener)


class BareStarts:
    """The same program, started, fed and waited for with nothing around it: the limit of the machine."""

    def __init__(self, agent: Agent, home: Path) -> None:
        self._command = agent.command
        inbox = home / "input"
        inbox.mkdir(parents=True, exist_ok=True)
        (inbox / SENTINEL).touch()  # the echo agent ends after its first turn
        self._environment = {"PATH": os.defpath, "INTERCOM_INPUT_DIR": str(inbox)}
        self._request = render_agent_input(
            AgentInput(
                "<messages>\n<message>hello</message>\n</messages>",
                None,
                Folder("bench"),
                ChatJid("local:bench"),
                is_main=False,
                assistant_name="Bench",
                model=None,
                input_id=InputId("i-1"),
            )
        )

    def once(self) -> bytes:
        """One start to one end; what the program wrote."""
        done = subprocess.run(
            self._command,
            input=self._request,
            capture_output=True,
            env=self._environment,
            start_new_session=True,
            check=True,
            timeout=_DEADLINE_S,
        )
        return done.stdout

    def rate(self, count: int, concurrency: int) -> float:
        """Starts per second."""
        with ThreadPoolExecutor(concurrency) as pool:
            began = time.monotonic()
            for future in [pool.submit(self.once) for _ in range(count)]:
                future.result(_DEADLINE_S)
            return count / (time.monotonic() - began)
