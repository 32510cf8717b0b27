"""What a run asks of a sandbox engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Protocol

from intercomd.domain.frames import Frame
from intercomd.domain.ids import ChatJid, Folder, InputId, RunId
from intercomd.domain.runs import ProcessIdentity


@dataclass(frozen=True, slots=True)
class Hidden:
    """A path below a mount, as the agent would see it, that shows nothing instead: an empty folder, or the null
    device, which some engines let nobody open."""

    inside: str
    is_folder: bool


@dataclass(frozen=True, slots=True)
class Mount:
    """A host path as the agent sees it. One that `is_foreign` is not ours: its owner is left alone."""

    host: Path
    inside: str
    is_writable: bool = False
    is_foreign: bool = False
    hidden: tuple[Hidden, ...] = ()


@dataclass(frozen=True, slots=True)
class AgentInput:
    """The object on the agent's standard input; wire names in original.md §9.2, plus `inputId` (protocol 2), `runtime`
    and `timeoutMs`: how long the agent may be silent before it is killed. Protocol 1 is that of the images of the
    existing system: the object as they know it, and only they are given `secrets`."""

    prompt: str
    session_id: str | None
    folder: Folder
    chat_jid: ChatJid
    is_main: bool
    assistant_name: str
    model: str | None
    input_id: InputId
    is_scheduled_task: bool = False
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    runtime: str = "echo"
    timeout: timedelta | None = None
    protocol: int = 2

    @property
    def is_legacy(self) -> bool:
        return self.protocol == 1


@dataclass(frozen=True, slots=True)
class SandboxSpec:
    """Everything an engine needs to start one run.

    `command` is the argv inside the sandbox; empty, it is the image's own, in the image's own directory. `lock_path` is
    opened and flock'ed by the engine and inherited by the sandbox process, so that "held" means "alive" whatever became
    of us. `input_dir` is this run's own directory, removed by the engine when the sandbox ended or did not start; it
    takes follow-ups and the close sentinel (mounted at /workspace/ipc/input). `log_path` receives the run's log (§9.6).
    Without `has_network` nothing outside can be reached but what is mounted. A `has_writable_root` is gone with the
    sandbox; it is for images that were not made for us.
    """

    run_id: RunId
    folder: Folder
    install: str
    command: tuple[str, ...]
    agent_input: AgentInput
    mounts: tuple[Mount, ...]
    environment: Mapping[str, str]
    input_dir: Path
    lock_path: Path
    log_path: Path
    has_network: bool = False
    has_writable_root: bool = False


class SandboxListener(Protocol):
    """Called from the sandbox's own thread, in order, `ended` exactly once and last."""

    def frame(self, number: int, frame: Frame, size_bytes: int) -> None:
        """Frame `number` (from 1). The reader stops reading once 1 MiB of frames is not released."""
        ...

    def ended(self, exit_code: int | None, signal: int | None, error_tail: str) -> None:
        """The process is reaped and both streams are read to their end (or the process group was killed). Told again
        when the listener raises `MailboxFull`: for a minute, or until `kill`."""
        ...


class Sandbox(Protocol):
    """A started sandbox. All methods return at once and may be called from any thread, also after the end."""

    identity: ProcessIdentity

    def release(self, size_bytes: int) -> None:
        """Frames of this many bytes are recorded: the reader may go on."""
        ...

    def follow_up(self, input_id: InputId, text: str) -> None:
        """Hand a further input to the running agent (a file in `input_dir`, written whole or not at all)."""
        ...

    def close_input(self) -> None:
        """Write the close sentinel: the agent ends when it has nothing in hand."""
        ...

    def kill(self) -> None:
        """SIGKILL to everything in the sandbox."""
        ...

    def wait(self, timeout: timedelta) -> bool:
        """True once it ended and `ended` was told, or could not be; False when `timeout` passed before. The one method
        that may block."""
        ...


class SandboxEngine(Protocol):
    """One way to isolate an agent."""

    name: str
    is_isolated: bool
    python: str
    """The interpreter as its sandboxes see it."""

    @property
    def unenforced(self) -> tuple[str, ...]:
        """Which limits it does not enforce here; known after `check`."""
        ...

    def check(self) -> str | None:
        """None when a trivial command really runs in this engine here; else why not and what helps, as a sentence."""
        ...

    def start(self, spec: SandboxSpec, listener: SandboxListener) -> Sandbox:
        """Start the process and its reader; returns once the process exists. Raises `SandboxError`; then nothing
        of it is left and `listener` is never called."""
        ...

    def end_orphan(self, run_id: RunId, identity: ProcessIdentity | None, lock_path: Path) -> None:
        """Make sure that the sandbox which an earlier daemon started for this run is gone: kill by recorded pid and
        start time, then whoever holds the lock for this run or for nobody known, and wait. Raises `SandboxError` when
        it is still held after 5 s, or is another run's, which is spared."""
        ...
