"""Starts and stops the orchestrator: what is wanted, what is, and why they differ.

    idle → standby → starting → active → draining → idle
                  ↖ failed ↙

Wanted is the flag of the settings, minus a hold. The store says whether there is a hold, the lease decides between
standby and active. What can heal (store away, lease held elsewhere) is standby; a start that fails is rolled back,
gives the lease to whoever can do better, and is tried again a few times. All methods are called from the daemon's main
thread, and none waits for runs to finish.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from intercomd.actors.held_lease import HeldLease
from intercomd.actors.hold_watcher import DutySeen
from intercomd.actors.slots import SlotsView
from intercomd.clock import Clock
from intercomd.daemon.boards import Board
from intercomd.domain.mailbox import Drain, RenewLeases
from intercomd.domain.orchestrator import OrchestratorView, State
from intercomd.logs import EventLog
from intercomd.supervision.errors import StartFailed
from intercomd.supervision.port import Address

ORCHESTRATOR = "orchestrator"
_RETRY_WAITS = tuple(timedelta(seconds=seconds) for seconds in (5, 10, 20, 40, 80))
_FORCE_TIME = timedelta(seconds=10)
_KILL_TIME_S = 3.0
"""After the grace the queues end their runs by force; so long later the whole subtree is stopped."""
_SUSPENDED = "the lease could not be renewed in time: nothing new is started until it can"
_ENABLE_AGAIN = "`intercomd orchestrator enable` tries again"
_log = EventLog("orchestrator")


class Tree(Protocol):
    """The supervision tree as this module needs it."""

    def activate(self, path: str) -> None: ...

    def deactivate(self, path: str, timeout: timedelta) -> None: ...


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the orchestration looks at and acts on. `duty` is what the store says, `slots` what the Dispatcher says."""

    tree: Tree
    lease: HeldLease
    keeper: Address
    dispatcher: Address
    duty: Board[DutySeen]
    slots: Board[SlotsView]
    clock: Clock


class Orchestration:
    """See the module's text. `board` has what it publishes; readers are in other threads."""

    def __init__(self, surroundings: Surroundings, *, is_enabled: bool, grace: timedelta) -> None:
        """`is_enabled` is the flag of the settings; `grace` counts for drains whose hold names none."""
        self._around = surroundings
        self._clock = surroundings.clock
        self._lease = surroundings.lease
        self._is_enabled = is_enabled
        self._grace = grace
        self._is_stopping = False
        self._is_hurried = False
        self._failures = 0
        self._retry_at: float | None = None
        self._drain_began = 0.0
        self.board = Board(OrchestratorView(is_enabled, is_enabled, None, State.IDLE, None, self._clock.monotonic()))

    @property
    def view(self) -> OrchestratorView:
        return self.board.view

    @property
    def has_stopped(self) -> bool:
        """After `stop`: no sandbox of ours lives."""
        return self._is_stopping and self.view.state is State.IDLE

    def adjust(self) -> None:
        """Follow what is wanted and what is possible: called after every change of either, and once a second."""
        before = None
        while before is not self.view.state:
            before = self.view.state
            self._step(before)

    def try_again(self) -> None:
        """An operator asks for it: forget earlier failures."""
        self._failures = 0
        self._retry_at = self._clock.monotonic()
        self.adjust()

    def stop(self) -> None:
        """Drain for good; asked a second time, without any further grace."""
        self._is_hurried = self._is_stopping
        self._is_stopping = True
        self.adjust()

    @property
    def _is_wanted(self) -> bool:
        return self._is_enabled and self._around.duty.view.hold is None and not self._is_stopping

    def _step(self, state: State) -> None:
        match state:
            case State.IDLE if self._is_wanted:
                self._become(State.STANDBY, self._obstacle())
            case State.IDLE:
                self._become(State.IDLE, self._why_unwanted())
            case State.STANDBY if self._is_wanted:
                self._stand_by()
            case State.FAILED if self._is_wanted:
                self._wait_for_retry()
            case State.STANDBY | State.FAILED:
                self._rest()
            case State.ACTIVE:
                self._stay_active()
            case State.DRAINING:
                self._keep_draining()

    def _stand_by(self) -> None:
        """Until a look at the store has shown that there is no hold, not even the lease is wanted."""
        self._want_lease(is_wanted=self._around.duty.view.is_known)
        if self._lease.is_wanted and self._lease.is_usable:
            self._start()
        else:
            self._become(State.STANDBY, self._obstacle())

    def _start(self) -> None:
        self._become(State.STARTING, None)
        try:
            self._around.tree.activate(ORCHESTRATOR)
        except StartFailed as error:
            self._fail(error)
        else:
            self._failures = 0
            self._become(State.ACTIVE, None)

    def _fail(self, error: StartFailed) -> None:
        tries_left = self._failures < len(_RETRY_WAITS)
        wait = _RETRY_WAITS[self._failures] if tries_left else None
        self._retry_at = None if wait is None else self._clock.monotonic() + wait.total_seconds()
        self._failures += 1
        _log.error("orchestrator.start_failed", attempt=self._failures, retry_after=wait, error=error)
        self._want_lease(is_wanted=False)
        self._become(State.FAILED, str(error) if tries_left else f"{error} (given up; {_ENABLE_AGAIN})")

    def _wait_for_retry(self) -> None:
        if self._retry_at is not None and self._clock.monotonic() >= self._retry_at:
            self._become(State.STANDBY, self._obstacle())
        else:
            self._become(State.FAILED, self.view.reason)

    def _stay_active(self) -> None:
        if self._lease.epoch is None:
            _log.error("orchestrator.lease_lost")
            self._deactivate()
            self._become(State.STANDBY, self._obstacle())
        elif self._is_wanted:
            self._become(State.ACTIVE, None if self._lease.is_usable else _SUSPENDED)
        else:
            self._drain_began = self._clock.monotonic()
            self._become(State.DRAINING, self._why_unwanted())

    def _keep_draining(self) -> None:
        """A hold lifted meanwhile changes nothing: what was told to drain starts anew when it is idle."""
        slots, hold = self._around.slots.view, self._around.duty.view.hold
        grace = self._grace if hold is None or hold.grace is None else hold.grace
        rest_s = self._drain_began + grace.total_seconds() - self._clock.monotonic()
        if not slots.is_draining:
            self._around.dispatcher.hint(Drain(timedelta(seconds=max(0.0, rest_s))))
        elif not slots.live:
            self._rest()
            return
        if self._is_hurried or rest_s < -_KILL_TIME_S or self._lease.epoch is None:
            _log.warning("orchestrator.drain_by_force", live=len(slots.live))
            self._rest()

    def _rest(self) -> None:
        if self.view.state is State.DRAINING:
            self._deactivate()
        self._want_lease(is_wanted=False)
        self._become(State.IDLE, self._why_unwanted())

    def _deactivate(self) -> None:
        self._around.tree.deactivate(ORCHESTRATOR, _FORCE_TIME)

    def _want_lease(self, is_wanted: bool) -> None:
        if self._lease.is_wanted != is_wanted:
            self._lease.is_wanted = is_wanted
            self._around.keeper.hint(RenewLeases())

    def _why_unwanted(self) -> str | None:
        if self._is_stopping:
            return "the daemon is stopping"
        if not self._is_enabled:
            return "orchestrator.enabled is false in the settings"
        hold = self._around.duty.view.hold
        return None if hold is None else str(hold)

    def _obstacle(self) -> str:
        seen = self._around.duty.view
        if seen.error is not None:
            return f"the store is away: {seen.error}"
        if not seen.is_known:
            return "the store was not asked yet"
        holder = None if seen.lease is None else seen.lease.holder
        return "waiting for the lease" if holder is None else f"the lease is held by {holder}"

    def _become(self, state: State, reason: str | None) -> None:
        before, hold = self.view, self._around.duty.view.hold
        since = before.since if state is before.state else self._clock.monotonic()
        view = OrchestratorView(self._is_enabled, self._is_wanted, hold, state, reason, since)
        if view == before:
            return
        self.board.publish(view)
        if state is not before.state:
            _log.info("orchestrator.state", state=state, reason=reason)
        elif reason != before.reason:
            _log.info("orchestrator.reason", state=state, reason=reason)
