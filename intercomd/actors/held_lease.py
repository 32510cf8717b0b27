"""What this process holds of a duty right now, readable from every thread without waiting."""

from __future__ import annotations

from intercomd.clock import Clock
from intercomd.domain.ids import DutyName, Epoch
from intercomd.domain.leases import Fence
from intercomd.errors import FenceLost


class HeldLease:
    """Whether the duty is wanted is set by whoever runs it; the rest is written by LeaseKeeper only. Everybody who
    claims or sends asks for the fence first.

    A lease is *suspended* when two thirds of its time have passed without a renewal: by its row it is still ours, but
    nothing may be claimed or sent until a renewal finds our epoch again. That is a matter of the clock alone, so it
    holds even while LeaseKeeper hangs in a call to the store, and for a process that stood still.
    """

    def __init__(self, duty: DutyName, clock: Clock) -> None:
        self.duty = duty
        self.is_wanted = False
        self._clock = clock
        self._epoch: Epoch | None = None
        self._usable_until = 0.0

    @property
    def epoch(self) -> Epoch | None:
        """The epoch we own, suspended or not."""
        return self._epoch

    @property
    def is_usable(self) -> bool:
        return self._epoch is not None and self._clock.monotonic() < self._usable_until

    def fence(self) -> Fence:
        """The fence for a claim; raises `FenceLost` when the duty is not ours or suspended."""
        epoch = self._epoch
        if epoch is None or not self.is_usable:
            raise FenceLost(f"the lease on {self.duty} is not held")
        return Fence(self.duty, epoch)

    def gained(self, epoch: Epoch, usable_until: float) -> None:
        """Taken or renewed; `usable_until` is in monotonic seconds."""
        self._usable_until = usable_until
        self._epoch = epoch

    def lost(self) -> None:
        self._epoch = None
