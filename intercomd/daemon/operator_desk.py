"""Where operators' wishes about the orchestrator arrive, in the API's threads; the main thread carries them out.

A wish is a row in the store before anything else happens, so it outlives the daemon and counts for every other one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from intercomd.actors.hold_watcher import DutySeen
from intercomd.clock import Clock
from intercomd.daemon.boards import Board
from intercomd.daemon.control import Control, TryAgain
from intercomd.domain.holds import Hold
from intercomd.domain.leases import DISPATCH, Holder
from intercomd.domain.mailbox import LookAtHold
from intercomd.domain.orchestrator import OrchestratorView, State
from intercomd.store.lease_ports import Holds
from intercomd.supervision.port import Address

_LOOK_TIME = timedelta(seconds=2)
_FOLLOW_TIME_S = 2.0


@dataclass(frozen=True, slots=True)
class OperatorDesk:
    """Safe from any thread. Its methods raise `StoreUnavailable` for a wish that could not be stored."""

    holds: Holds
    watcher: Address
    control: Control
    board: Board[OrchestratorView]
    duty: Board[DutySeen]
    holder: Holder
    clock: Clock

    @property
    def view(self) -> OrchestratorView:
        return self.board.view

    @property
    def owner(self) -> Holder | None:
        """Who has the duty: as far as it is this process it knows by itself, else who had it at the last look."""
        if self.view.state is State.ACTIVE:
            return self.holder
        lease = self.duty.view.lease
        seen = None if lease is None else lease.holder
        return None if seen == self.holder and self.view.state is State.IDLE else seen

    @property
    def is_owner(self) -> bool:
        return self.owner == self.holder

    def disable(self, who: str, why: str, grace: timedelta | None) -> None:
        """Place a hold; returns once the main thread follows it (which does not mean that runs have ended)."""
        self.holds.place(DISPATCH, Hold(who, why, self.clock.now(), grace))
        self._look(lambda view: view.hold is not None)

    def enable(self, who: str) -> None:
        """Lift the hold; returns once the main thread follows."""
        self.holds.lift(DISPATCH, who, self.clock.now())
        self.control.post(TryAgain())
        self._look(lambda view: view.hold is None and (view.state is not State.IDLE or not view.is_enabled))

    def wait_until_settled(self, timeout_s: float) -> None:
        """Until the state is one that stays, at most so long."""
        self.board.wait_for(lambda view: view.state.is_settled, timeout_s)

    def _look(self, is_followed: Callable[[OrchestratorView], bool]) -> None:
        self.watcher.ask(LookAtHold(), _LOOK_TIME)
        self.board.wait_for(is_followed, _FOLLOW_TIME_S)
