"""What this process holds of a duty right now, readable from every thread without waiting."""

from __future__ import annotations

from intercomd.domain.ids import DutyName, Epoch
from intercomd.domain.leases import Fence
from intercomd.errors import FenceLost


class HeldLease:
    """Whether the duty is wanted is set by whoever runs it; the rest is written by LeaseKeeper only. Everybody who
    claims or sends asks for the fence first.

    A *suspended* lease is still ours by its row, but it could not be renewed for two thirds of its time: nothing may
    be claimed or sent until a renewal finds our epoch again.
    """

    def __init__(self, duty: DutyName) -> None:
        self.duty = duty
        self.is_wanted = False
        self._epoch: Epoch | None = None
        self._is_suspended = False

    @property
    def epoch(self) -> Epoch | None:
        """The epoch we own, suspended or not."""
        return self._epoch

    @property
    def is_usable(self) -> bool:
        return self._epoch is not None and not self._is_suspended

    def fence(self) -> Fence:
        """The fence for a claim; raises `FenceLost` when the duty is not ours or suspended."""
        epoch = self._epoch
        if epoch is None or self._is_suspended:
            raise FenceLost(f"the lease on {self.duty} is not held")
        return Fence(self.duty, epoch)

    def gained(self, epoch: Epoch) -> None:
        self._epoch, self._is_suspended = epoch, False

    def suspended(self) -> None:
        self._is_suspended = True

    def lost(self) -> None:
        self._epoch, self._is_suspended = None, False
