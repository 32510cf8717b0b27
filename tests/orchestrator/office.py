"""One process' orchestration in virtual time: real store, real keeper and watcher, a dispatcher with made-up runs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from intercomd.actors.held_lease import HeldLease
from intercomd.actors.hold_watcher import DutySeen, HoldWatcher
from intercomd.actors.lease_keeper import LeaseKeeper, LeaseTimes
from intercomd.actors.slots import SlotsView
from intercomd.daemon.boards import Board, slot_board
from intercomd.daemon.orchestration import ORCHESTRATOR, Orchestration, Surroundings
from intercomd.domain.holds import Hold
from intercomd.domain.ids import DutyName
from intercomd.domain.leases import DISPATCH, Holder
from intercomd.domain.mailbox import Drain, LookAtHold, Poll
from intercomd.domain.orchestrator import State
from intercomd.store.opening import StoreSettings, open_store
from intercomd.store.ports import Store
from intercomd.supervision.port import Actor, ChildSpec, Context, SupervisorSpec
from tests.support.simulator import Simulation

LEASE = timedelta(seconds=3)
GRACE = timedelta(seconds=30)


def open_sqlite(folder: Path) -> Store:
    return open_store(
        StoreSettings(
            assistant_name="Ada",
            main_folder="main",
            sqlite_path=folder / "intercom.db",
            acquire_timeout=timedelta(seconds=0.05),
        )
    )


class Desk:
    """In the Dispatcher's place: says which groups are live, and lets them end when they are told to drain."""

    def __init__(self, office: Office) -> None:
        self._office = office

    def on_start(self) -> None:
        if self._office.start_error:
            raise RuntimeError(self._office.start_error)
        self._publish(is_draining=False)

    def handle(self, item: object) -> object:
        if isinstance(item, Drain):
            self._office.drains.append(item.grace)
        self._publish(is_draining=bool(self._office.drains))
        return None

    def _publish(self, *, is_draining: bool) -> None:
        self._office.slots.publish(SlotsView(3, self._office.live, (), 0, None, is_draining=is_draining))


class Office:
    """`live` are the groups with a run, `start_error` makes starts fail; both may be changed at any time."""

    def __init__(self, store: Store, pid: int = 1, *, is_enabled: bool = True, gone: tuple[int, ...] = ()) -> None:
        self.store = store
        self.live: tuple[str, ...] = ()
        self.start_error = ""
        self.drains: list[timedelta] = []
        self.states: list[State] = []
        self.sim = Simulation(seed=pid)
        self.clock = self.sim.clock
        self.slots = slot_board(3)
        self.duty = Board(DutySeen())
        self.lease = HeldLease(DISPATCH, self.clock)
        self._leases: Mapping[DutyName, HeldLease] = {DISPATCH: self.lease}
        self._holder, self._gone = Holder("boot", pid, 1), gone
        book = self.sim.book
        self.watcher = book.address("hold_watcher")
        self._dispatcher = book.address(f"{ORCHESTRATOR}/dispatcher")
        self.sim.start(
            ChildSpec("lease_keeper", self._keeper),
            ChildSpec("hold_watcher", self._watcher),
            SupervisorSpec(
                ORCHESTRATOR, children=(ChildSpec("dispatcher", lambda context: Desk(self)),), starts_idle=True
            ),
        )
        self.orchestration = Orchestration(
            Surroundings(
                self, self.lease, book.address("lease_keeper"), self._dispatcher, self.duty, self.slots, self.clock
            ),
            is_enabled=is_enabled,
            grace=GRACE,
        )

    # -- the tree, as the orchestration sees it ------------------------------------------------------

    def activate(self, path: str) -> None:
        self.drains.clear()
        self.sim.activate(path)

    def deactivate(self, path: str, timeout: timedelta) -> None:
        self.live = ()
        self.sim.deactivate(path)

    # -- what happens --------------------------------------------------------------------------------

    def settle(self) -> None:
        """Everything that happens without time passing."""
        state = ""
        while state != self.state or self.sim.step():
            self.sim.run_until_idle()
            state = self.state
            self.orchestration.adjust()
            self._note()

    def pass_time(self, seconds: float) -> None:
        """Second by second."""
        for _ in range(round(seconds * 2)):
            self.settle()
            self.sim.advance(timedelta(seconds=0.5))
        self.settle()

    def disable(self, grace: timedelta | None = None) -> None:
        self.store.holds.place(DISPATCH, Hold("ada", "a new disk", self.clock.now(), grace))
        self.watcher.hint(LookAtHold())
        self.settle()

    def enable(self) -> None:
        self.store.holds.lift(DISPATCH, "ada", self.clock.now())
        self.watcher.hint(LookAtHold())
        self.orchestration.try_again()
        self.settle()

    def end_runs(self) -> None:
        self.live = ()
        self._dispatcher.hint(Poll())
        self.settle()

    def start_run(self, folder: str) -> None:
        self.live = (folder,)
        self._dispatcher.hint(Poll())
        self.settle()

    # -- what can be seen ----------------------------------------------------------------------------

    @property
    def state(self) -> str:
        return self.orchestration.view.state

    @property
    def reason(self) -> str:
        return self.orchestration.view.reason or ""

    @property
    def owner(self) -> Holder | None:
        lease = self.store.leases.find(DISPATCH)
        return None if lease is None else lease.holder

    def _note(self) -> None:
        state = self.orchestration.view.state
        if not self.states or self.states[-1] is not state:
            self.states.append(state)

    def _keeper(self, context: Context) -> Actor:
        return LeaseKeeper(
            self.store.leases,
            self._leases,
            self._holder,
            LeaseTimes(LEASE),
            self.clock,
            lambda holder: holder.pid in self._gone,
            lambda _duty: None,
            context,
        )

    def _watcher(self, context: Context) -> Actor:
        return HoldWatcher(DISPATCH, self.store.holds, self.store.leases, self.duty.publish, context)
