"""Starts and stops the orchestrator: what is wanted, what is, and why they differ.

`idle → standby → starting → active → draining → idle | failed`. The lease decides between standby and active; what can
heal (store away, lease held elsewhere) is standby; a start that fails is rolled back and tried again a few times. All
methods are called from the daemon's main thread.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Protocol

from intercomd.actors.held_lease import HeldLease
from intercomd.clock import Clock
from intercomd.daemon.slot_board import SlotBoard
from intercomd.domain.mailbox import Drain, RenewLeases
from intercomd.logs import EventLog
from intercomd.supervision.errors import StartFailed
from intercomd.supervision.port import Address

ORCHESTRATOR = "orchestrator"
DISPATCHER = f"{ORCHESTRATOR}/dispatcher"
_START_TRIES = 3
_RETRY_AFTER = timedelta(seconds=5)
_FORCE_TIME = timedelta(seconds=10)
_DRAIN_STEP_S = 0.1
_log = EventLog("orchestrator")


class State(StrEnum):
    IDLE = "idle"
    STANDBY = "standby"
    STARTING = "starting"
    ACTIVE = "active"
    DRAINING = "draining"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class OrchestratorView:
    """Published for health: `reason` says why it is not active although wanted, or why it failed."""

    is_wanted: bool
    state: State
    reason: str | None
    since: float
    """Monotonic seconds."""


class Tree(Protocol):
    """The supervision tree as this module needs it."""

    def activate(self, path: str) -> None: ...

    def deactivate(self, path: str, timeout: timedelta) -> None: ...


class Orchestration:
    """See the module's text."""

    def __init__(
        self,
        tree: Tree,
        lease: HeldLease,
        keeper: Address,
        dispatcher: Address,
        board: SlotBoard,
        grace: timedelta,
        clock: Clock,
    ) -> None:
        self._tree = tree
        self._lease = lease
        self._keeper = keeper
        self._dispatcher = dispatcher
        self._board = board
        self._grace = grace
        self._clock = clock
        self._failures = 0
        self._retry_at = 0.0
        self._view = OrchestratorView(False, State.IDLE, None, clock.monotonic())

    @property
    def view(self) -> OrchestratorView:
        return self._view

    def enable(self) -> None:
        """Want it; it becomes active as soon as the lease is ours."""
        if not self._view.is_wanted:
            self._failures = 0
            self._become(State.STANDBY, "waiting for the lease", is_wanted=True)
            self._lease.is_wanted = True
            self._keeper.hint(RenewLeases())
        self.adjust()

    def adjust(self) -> None:
        """Follow the lease: called after every change of it, and once a second."""
        view = self._view
        if not view.is_wanted:
            return
        if view.state is State.ACTIVE and self._lease.epoch is None:
            _log.error("orchestrator.lease_lost")
            self._deactivate()
            self._become(State.STANDBY, "another process took the lease")
        elif view.state is State.STANDBY and self._lease.is_usable:
            self._start()
        elif view.state is State.FAILED and self._failures < _START_TRIES and self._clock.monotonic() >= self._retry_at:
            self._start()

    def disable(self, should_hurry: Callable[[], bool]) -> None:
        """Drain: nothing new, runs finish within the grace period, then by force; returns when no sandbox lives.

        `should_hurry` is asked often; once it answers True the grace is over.
        """
        if self._view.state is State.ACTIVE:
            self._become(State.DRAINING, None, is_wanted=False)
            self._drain(should_hurry)
            self._deactivate()
        self._become(State.IDLE, None, is_wanted=False)
        self._lease.is_wanted = False
        self._keeper.hint(RenewLeases())

    def _start(self) -> None:
        self._become(State.STARTING, None)
        try:
            self._tree.activate(ORCHESTRATOR)
        except StartFailed as error:
            self._failures += 1
            self._retry_at = self._clock.monotonic() + _RETRY_AFTER.total_seconds()
            _log.error("orchestrator.start_failed", attempt=self._failures, error=error)
            self._become(State.FAILED, str(error))
        else:
            self._failures = 0
            self._become(State.ACTIVE, None)

    def _drain(self, should_hurry: Callable[[], bool]) -> None:
        self._dispatcher.hint(Drain(self._grace))
        deadline = self._clock.monotonic() + self._grace.total_seconds()
        while not self._board.wait_until_empty(_DRAIN_STEP_S):
            if should_hurry() or self._clock.monotonic() >= deadline:
                _log.warning("orchestrator.drain_by_force", live=len(self._board.view.live))
                return

    def _deactivate(self) -> None:
        self._tree.deactivate(ORCHESTRATOR, _FORCE_TIME)

    def _become(self, state: State, reason: str | None, *, is_wanted: bool | None = None) -> None:
        wanted = self._view.is_wanted if is_wanted is None else is_wanted
        if (state, reason, wanted) != (self._view.state, self._view.reason, self._view.is_wanted):
            self._view = OrchestratorView(wanted, state, reason, self._clock.monotonic())
            _log.info("orchestrator.state", state=state, reason=reason)
