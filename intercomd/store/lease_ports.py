"""What is asked of the store about duties: who owns one, and who keeps one idle. The rules of `store/ports.py` hold."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from intercomd.domain.holds import Hold
from intercomd.domain.ids import DutyName, Epoch
from intercomd.domain.leases import Holder, LeaseRow


class Leases(Protocol):
    """One row per duty."""

    def find(self, duty: DutyName) -> LeaseRow | None: ...

    def take(self, duty: DutyName, seen: LeaseRow | None, holder: Holder) -> Epoch | None:
        """Become the owner if the row still is `seen` (epoch and renewals); None when somebody was faster. The new
        epoch is one higher. Exclusive against fenced transactions: it waits for those in flight."""
        ...

    def renew(self, duty: DutyName, epoch: Epoch) -> bool:
        """False when the duty has another epoch."""
        ...

    def release(self, duty: DutyName, epoch: Epoch) -> None:
        """Give it back (holder None, epoch kept); nothing happens when it has another epoch."""
        ...


class Holds(Protocol):
    """What operators keep idle: at most one hold per duty, for every process on the store."""

    def find(self, duty: DutyName) -> Hold | None: ...

    def place(self, duty: DutyName, hold: Hold) -> None:
        """Put it in the place of any earlier one. Key: `placed_at`."""
        ...

    def lift(self, duty: DutyName, who: str, now: datetime) -> None:
        """Remove it; nothing happens when there is none."""
        ...
