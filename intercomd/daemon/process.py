"""Which process this is, and whether another one is provably gone."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from intercomd.clock import Clock
from intercomd.domain.instants import to_epoch_ms
from intercomd.domain.leases import Holder
from intercomd.sandbox.group_lock import find_start_ticks


def own_holder() -> Holder:
    """This process as a holder of leases."""
    pid = os.getpid()
    return Holder(_boot_id(), pid, find_start_ticks(pid) or 0)


def is_gone(holder: Holder) -> bool:
    """True only with proof: the same boot of the same machine has no process with this pid and start time. A holder
    of another boot id may live on another machine; it is believed until its lease runs out."""
    return holder.boot_id == _boot_id() and find_start_ticks(holder.pid) != holder.start_ticks


class IdSource:
    """Ids that sort by time and never repeat: `r-019…`; a prefix, the wall clock in hex and eight random digits."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def __call__(self, prefix: str) -> str:
        return f"{prefix}-{to_epoch_ms(self._clock.now()):011x}{secrets.token_hex(4)}"


def _boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
