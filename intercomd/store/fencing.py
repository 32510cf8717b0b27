"""The check that makes a takeover safe: a claim and the lease it rests on are read in one transaction."""

from __future__ import annotations

from intercomd.domain.leases import Fence
from intercomd.errors import FenceLost
from intercomd.store.engine import Transaction


def check_fence(transaction: Transaction, fence: Fence) -> None:
    """Lock the lease row shared until the transaction ends, so that no takeover comes between; raises `FenceLost`."""
    lease = transaction.row("lock_lease", duty=fence.duty)
    if lease is None or lease["epoch"] != fence.epoch:
        present = "nobody's" if lease is None else f"at epoch {lease['epoch']}"
        raise FenceLost(f"duty {fence.duty} is {present}, this claim was made at epoch {fence.epoch}")
