"""The `process` engine: the agent runs as a process of ours, with our rights. No isolation, so only when asked for."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from intercomd.clock import Clock
from intercomd.domain.ids import RunId
from intercomd.domain.runs import ProcessIdentity
from intercomd.sandbox import group_lock
from intercomd.sandbox.agent_program import interpreter
from intercomd.sandbox.child import Launch
from intercomd.sandbox.layout import GROUP_INSIDE
from intercomd.sandbox.live import LiveSandbox
from intercomd.sandbox.port import Sandbox, SandboxListener, SandboxSpec

_CHECK_SECONDS = 10


class ProcessEngine:
    """Runs the command in the group's own directory, with its own small environment."""

    name = "process"
    is_isolated = False
    unenforced = ("memory", "processes", "tmp")

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.python = interpreter()

    def check(self) -> str | None:
        try:
            subprocess.run((interpreter(), "-I", "-S", "-B", "-c", ""), check=True, timeout=_CHECK_SECONDS)
        except (OSError, subprocess.SubprocessError) as error:
            return f"{interpreter()} does not run: {error}"
        return None

    def start(self, spec: SandboxSpec, listener: SandboxListener) -> Sandbox:
        return LiveSandbox(self, spec, listener, self._clock)

    def end_orphan(self, run_id: RunId, identity: ProcessIdentity | None, lock_path: Path) -> None:
        group_lock.end_orphan(run_id, identity, lock_path)

    def prepare(self, spec: SandboxSpec, lock: int) -> Launch:
        """Without mounts the agent learns from its environment where its directories are."""
        group_dir = next((mount.host for mount in spec.mounts if mount.inside == GROUP_INSIDE), spec.input_dir)
        environment = {
            "PATH": os.defpath,
            "LANG": "C.UTF-8",
            "HOME": str(group_dir),
            **spec.environment,
            "INTERCOM_GROUP_DIR": str(group_dir),
            "INTERCOM_INPUT_DIR": str(spec.input_dir),
        }
        return Launch(spec.command, environment, working_directory=group_dir)

    def read_exit(self, returncode: int) -> tuple[int | None, int | None]:
        return (returncode, None) if returncode >= 0 else (None, -returncode)

    def explain(self, returncode: int, error_tail: str) -> str:
        return error_tail
