"""Leases: one row per duty, taken over by compare-and-set on what the candidate has seen."""

from __future__ import annotations

from intercomd.domain.ids import DutyName, Epoch
from intercomd.domain.leases import Holder, LeaseRow
from intercomd.store.engine import Database, SqlValue, Transaction
from intercomd.store.rows import lease_of


class LeasesTable:
    """The `Leases` port."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, duty: DutyName) -> LeaseRow | None:
        row = self._database.row("find_lease", duty=duty)
        return None if row is None else lease_of(row)

    def take(self, duty: DutyName, seen: LeaseRow | None, holder: Holder) -> Epoch | None:
        return self._database.write(lambda transaction: _take(transaction, duty, seen, holder))

    def renew(self, duty: DutyName, epoch: Epoch) -> bool:
        return (
            self._database.write(lambda transaction: transaction.row("renew_lease", duty=duty, epoch=epoch)) is not None
        )

    def release(self, duty: DutyName, epoch: Epoch) -> None:
        self._database.write(lambda transaction: transaction.run("release_lease", duty=duty, epoch=epoch))


def _take(transaction: Transaction, duty: DutyName, seen: LeaseRow | None, holder: Holder) -> Epoch | None:
    owner: dict[str, SqlValue] = {"boot_id": holder.boot_id, "pid": holder.pid, "start_ticks": holder.start_ticks}
    if seen is None:
        taken = transaction.row("add_lease", duty=duty, **owner)
    else:
        taken = transaction.row("take_lease", duty=duty, epoch=seen.epoch, renewals=seen.renewals, **owner)
    if taken is not None:
        return Epoch(taken["epoch"])
    present = transaction.row("find_lease", duty=duty)
    next_epoch = Epoch(1 if seen is None else seen.epoch + 1)
    is_ours = present is not None and lease_of(present) == LeaseRow(duty, holder, next_epoch, 0)
    return next_epoch if is_ours else None
