"""A sandbox's first process, as an object that owns its descriptors."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import IO

from intercomd.errors import SandboxError
from intercomd.sandbox import group_lock

_REAP_SECONDS = 10
_SIGNAL_BASE = 128


@dataclass(frozen=True, slots=True)
class Launch:
    """What an engine wants executed. `descriptors` are inherited, and closed here after the spawn.

    `end_rest` is for a sandbox that may outlive the process. It is called with the process's return code and returns
    once nothing is left; it raises `SandboxError` when that is not known.
    """

    argv: tuple[str, ...]
    environment: Mapping[str, str]
    working_directory: Path | None = None
    descriptors: tuple[int, ...] = ()
    end_rest: Callable[[int], None] | None = None


def read_shell_code(returncode: int) -> tuple[int | None, int | None]:
    """Exit code and signal of an agent, one of them None, from the code of the process around it, which passes codes on
    and says 128 + its number for a signal. A process that a signal ended says nothing about the agent."""
    if returncode < 0:
        return None, -returncode
    is_signal = _SIGNAL_BASE < returncode <= _SIGNAL_BASE + signal.SIGRTMAX
    return (None, returncode - _SIGNAL_BASE) if is_signal else (returncode, None)


class Child:
    """A running process, leader of its own session and process group, that inherited the group's lock."""

    def __init__(self, launch: Launch, lock: int) -> None:
        """Start it; raises `SandboxError`, with nothing of it left, when that fails. `lock` stays the caller's."""
        self._guard = Lock()
        self._is_reaped = False
        try:
            self._process = subprocess.Popen(
                launch.argv,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                env=launch.environment,
                cwd=launch.working_directory,
                pass_fds=(lock, *launch.descriptors),
                start_new_session=True,
            )
        except OSError as error:
            raise SandboxError(f"cannot start {launch.argv[0]}: {error.strerror}") from error
        finally:
            for descriptor in launch.descriptors:
                os.close(descriptor)
        self.pid = self._process.pid
        self._resources = ExitStack()
        self.stdin = self._own(self._process.stdin)
        self.stdout = self._own(self._process.stdout)
        self.stderr = self._own(self._process.stderr)
        try:
            self.exit_signal = os.pidfd_open(self.pid)
            self._resources.callback(os.close, self.exit_signal)
            self.start_ticks = group_lock.find_start_ticks(self.pid) or 0
            for stream in (self.stdin, self.stdout, self.stderr):
                os.set_blocking(stream.fileno(), False)
        except OSError as error:
            self.kill()
            self.reap()
            self.close()
            raise SandboxError(f"cannot watch the started {launch.argv[0]}: {error.strerror}") from error

    def kill(self) -> None:
        """SIGKILL to the process group; nothing once it is reaped, since its number may belong to others then."""
        with self._guard:
            if not self._is_reaped:
                with suppress(ProcessLookupError):
                    os.killpg(self.pid, signal.SIGKILL)

    def reap(self) -> int:
        """The return code as `subprocess` gives it (negative: a signal); the process has exited or was killed."""
        with self._guard:
            returncode = self._process.wait(_REAP_SECONDS)
            self._is_reaped = True
        return returncode

    def close(self) -> None:
        """Close the descriptors."""
        self._resources.close()

    def _own(self, stream: IO[bytes] | None) -> IO[bytes]:
        if stream is None:
            raise AssertionError("all three streams are pipes")
        return self._resources.enter_context(stream)
