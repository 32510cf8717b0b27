"""Keeps the leases of this process, and tries for those it wants and has not.

Owns:      which leases it has reported as suspended, what was seen of other holders.
Never:     reads the wall clock; starts or stops anything (it reports changes, the conductor acts).
Talks to:  the store only; `on_change` is called in this actor's thread and must not block.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from intercomd.actors.held_lease import HeldLease
from intercomd.clock import Clock
from intercomd.domain.ids import DutyName
from intercomd.domain.leases import Holder, LeaseRow
from intercomd.domain.mailbox import Heartbeat, RenewLeases
from intercomd.errors import StoreUnavailable
from intercomd.logs import EventLog
from intercomd.store.lease_ports import Leases
from intercomd.supervision.port import Context, ExitReason

_log = EventLog("leases")


@dataclass(frozen=True, slots=True)
class LeaseTimes:
    """`lease` is how long a silent holder is believed; renewal is tried three times in it."""

    lease: timedelta

    @property
    def renewal(self) -> timedelta:
        return self.lease / 3

    @property
    def suspension(self) -> timedelta:
        return self.lease * 2 / 3


@dataclass(slots=True)
class _Watch:
    """A foreign lease as last seen, and since when it did not change (monotonic seconds)."""

    row: LeaseRow
    since: float


class LeaseKeeper:
    """See the module's text. `is_gone` proves that a holder's process ended (it answers False when it cannot tell)."""

    def __init__(
        self,
        leases: Leases,
        held: Mapping[DutyName, HeldLease],
        holder: Holder,
        times: LeaseTimes,
        clock: Clock,
        is_gone: Callable[[Holder], bool],
        on_change: Callable[[DutyName], None],
        context: Context,
    ) -> None:
        self._leases = leases
        self._held = held
        self._holder = holder
        self._times = times
        self._clock = clock
        self._is_gone = is_gone
        self._on_change = on_change
        self._context = context
        self._suspended: set[DutyName] = set()
        self._watches: dict[DutyName, _Watch] = {}

    def on_start(self) -> None:
        self._context.timers.every(self._times.renewal, RenewLeases())
        self._context.address.hint(RenewLeases())

    def handle(self, item: object) -> object:
        match item:
            case RenewLeases():
                for duty in sorted(self._held):
                    self._keep(duty)
            case Heartbeat():
                return "ok"
            case _:
                raise TypeError(f"LeaseKeeper does not take {item!r}")
        return None

    def on_stop(self, reason: ExitReason) -> None:
        """A crash keeps the leases: the restarted keeper finds its own epoch again."""
        if reason is ExitReason.SHUTDOWN:
            for duty in self._held:
                try:
                    self._release(duty)
                except StoreUnavailable:
                    _log.warning("lease.not_released", duty=duty)

    def _keep(self, duty: DutyName) -> None:
        held = self._held[duty]
        try:
            if not held.is_wanted:
                self._release(duty)
            elif held.epoch is None:
                self._try_take(duty, held)
            else:
                self._renew(duty, held)
        except StoreUnavailable:
            self._report_suspension(duty, held)

    def _renew(self, duty: DutyName, held: HeldLease) -> None:
        asked_at = self._clock.monotonic()
        assert held.epoch is not None
        if self._leases.renew(duty, held.epoch):
            was_usable = held.is_usable
            held.gained(held.epoch, self._usable_until(asked_at))
            self._suspended.discard(duty)
            if not was_usable:
                _log.info("lease.resumed", duty=duty, epoch=held.epoch)
                self._on_change(duty)
        else:
            _log.error("lease.lost", duty=duty, epoch=held.epoch)
            held.lost()
            self._on_change(duty)

    def _report_suspension(self, duty: DutyName, held: HeldLease) -> None:
        if held.epoch is not None and not held.is_usable and duty not in self._suspended:
            self._suspended.add(duty)
            _log.warning("lease.suspended", duty=duty, epoch=held.epoch)
            self._on_change(duty)

    def _usable_until(self, asked_at: float) -> float:
        """Counted from before the question, since nobody knows when in between the store answered it."""
        return asked_at + self._times.suspension.total_seconds()

    def _try_take(self, duty: DutyName, held: HeldLease) -> None:
        asked_at = self._clock.monotonic()
        row = self._leases.find(duty)
        if not self._may_take(duty, row, asked_at):
            return
        epoch = self._leases.take(duty, row, self._holder)
        self._watches.pop(duty, None)
        if epoch is not None:
            held.gained(epoch, self._usable_until(asked_at))
            _log.info("lease.taken", duty=duty, epoch=epoch)
            self._on_change(duty)

    def _may_take(self, duty: DutyName, row: LeaseRow | None, now: float) -> bool:
        if row is None or row.holder is None or row.holder == self._holder or self._is_gone(row.holder):
            return True
        watch = self._watches.get(duty)
        if watch is None or watch.row != row:
            self._watches[duty] = _Watch(row, now)
            return False
        return now - watch.since >= self._times.lease.total_seconds()

    def _release(self, duty: DutyName) -> None:
        held = self._held[duty]
        epoch = held.epoch
        if epoch is not None:
            held.lost()
            self._leases.release(duty, epoch)
            _log.info("lease.released", duty=duty, epoch=epoch)
            self._on_change(duty)
