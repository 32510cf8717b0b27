"""What a run is given: how to start its sandbox, how long it may take, whom it talks to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from intercomd.actors.held_lease import HeldLease
from intercomd.clock import Clock
from intercomd.domain.ids import Folder
from intercomd.domain.runs import OpenedRun
from intercomd.sandbox.port import Sandbox, SandboxListener
from intercomd.store.ports import InputLimits, RetryPolicy, Runs
from intercomd.supervision.port import Address


@dataclass(frozen=True, slots=True)
class Launched:
    """A started sandbox and what is recorded about it. `silence` is how long its agent may say nothing while it works;
    None means as long as any."""

    sandbox: Sandbox
    log_path: str
    runtime: str
    model: str | None
    silence: timedelta | None = None


class Launcher(Protocol):
    """Starts the sandbox of a run."""

    def launch(self, opened: OpenedRun, listener: SandboxListener) -> Launched:
        """Raises `SandboxError`; then nothing of it is left."""
        ...


@dataclass(frozen=True, slots=True)
class RunTimes:
    """`run` is the longest silence of a working agent, `idle` how long an idle one is kept for follow-ups."""

    run: timedelta
    idle: timedelta


@dataclass(frozen=True, slots=True)
class RunParts:
    """What every run is given. `channel_of` finds the channel that shows live text, if it can; `note_effects` sees to
    it that what the agent left in its files counts as the run's, before that ends."""

    runs: Runs
    launcher: Launcher
    dispatch_lease: HeldLease
    outbox: Address
    sessions: Address
    channel_of: Callable[[str], Address | None]
    new_id: Callable[[str], str]
    limits: InputLimits
    retry: RetryPolicy
    times: RunTimes
    part_limit: int
    clock: Clock
    note_effects: Callable[[Folder], None]
