"""The orchestrator as others see it: what is wanted, what is, and why they differ."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from intercomd.domain.holds import Hold


class State(StrEnum):
    """`idle → standby → starting → active → draining → idle | failed`; docs/lifecycle.md has the picture."""

    IDLE = "idle"
    """Not wanted."""
    STANDBY = "standby"
    """Wanted, and waiting for what can heal: the store, the lease."""
    STARTING = "starting"
    ACTIVE = "active"
    DRAINING = "draining"
    """Takes nothing new; runs in flight finish within the grace."""
    FAILED = "failed"
    """A start was rolled back; it is tried again a few times, then when an operator asks."""

    @property
    def is_settled(self) -> bool:
        """Whether it stays by itself."""
        return self in (State.IDLE, State.ACTIVE, State.FAILED)


@dataclass(frozen=True, slots=True)
class OrchestratorView:
    """`is_enabled` is the flag of the settings, `is_wanted` that flag without a hold. `reason` says why it is idle,
    waits or failed; an active one has a reason only while it cannot start anything. `since`: monotonic seconds."""

    is_enabled: bool
    is_wanted: bool
    hold: Hold | None
    state: State
    reason: str | None
    since: float
