"""Holds: one row per duty that an operator keeps idle."""

from __future__ import annotations

from datetime import datetime, timedelta

from intercomd.domain.events import EventCode
from intercomd.domain.holds import Hold
from intercomd.domain.ids import DutyName
from intercomd.domain.instants import from_epoch_ms, to_epoch_ms
from intercomd.store.engine import Database, Row, Transaction
from intercomd.store.events import record_event

_MILLISECOND = timedelta(milliseconds=1)


class HoldsTable:
    """The `Holds` port."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, duty: DutyName) -> Hold | None:
        return _hold_of(self._database.row("find_hold", duty=duty))

    def place(self, duty: DutyName, hold: Hold) -> None:
        self._database.write(lambda transaction: _place(transaction, duty, hold))

    def lift(self, duty: DutyName, who: str, now: datetime) -> None:
        self._database.write(lambda transaction: _lift(transaction, duty, who, now))


def _place(transaction: Transaction, duty: DutyName, hold: Hold) -> None:
    """Its key is the instant it was made at."""
    placed_at = to_epoch_ms(hold.placed_at)
    present = transaction.row("find_hold", duty=duty)
    if present is not None and present["placed_at"] == placed_at:
        return
    transaction.run(
        "place_hold",
        duty=duty,
        who=hold.who,
        why=hold.why,
        placed_at=placed_at,
        grace_ms=None if hold.grace is None else hold.grace // _MILLISECOND,
    )
    record_event(transaction, EventCode.HOLD_PLACED, hold.placed_at, detail=f"{duty} {hold}")


def _lift(transaction: Transaction, duty: DutyName, who: str, now: datetime) -> None:
    if transaction.row("lift_hold", duty=duty) is not None:
        record_event(transaction, EventCode.HOLD_LIFTED, now, detail=f"{duty} by {who}")


def _hold_of(row: Row | None) -> Hold | None:
    if row is None:
        return None
    grace = None if row["grace_ms"] is None else row["grace_ms"] * _MILLISECOND
    return Hold(row["who"], row["why"], from_epoch_ms(row["placed_at"]), grace)
