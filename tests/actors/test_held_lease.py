"""A held lease is usable for as long as its last renewal vouches for it, whatever its keeper does meanwhile."""

from __future__ import annotations

import pytest

from intercomd.actors.held_lease import HeldLease
from intercomd.domain.ids import Epoch
from intercomd.domain.leases import DISPATCH
from intercomd.errors import FenceLost
from tests.support.simulator import VirtualClock


def test_lease_is_suspended_by_the_clock_alone() -> None:
    """A keeper that hangs in the store, or a process that stood still, cannot claim or send on an old renewal
    (hazard B-112)."""
    clock = VirtualClock()
    lease = HeldLease(DISPATCH, clock)
    lease.gained(Epoch(1), clock.monotonic() + 10)
    assert lease.fence().epoch == 1
    clock.move_to(clock.monotonic() + 10)
    assert lease.epoch == 1
    assert not lease.is_usable
    with pytest.raises(FenceLost):
        lease.fence()
    lease.gained(Epoch(1), clock.monotonic() + 10)
    assert lease.is_usable
