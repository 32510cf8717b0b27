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
    return Holder(_where_pids_are_known(), pid, find_start_ticks(pid) or 0)


def is_gone(holder: Holder) -> bool:
    """True only with proof: where the holder's pid means the same as here, no process has this pid and start time. A
    holder from elsewhere may live; it is believed until its lease runs out."""
    return holder.boot_id == _where_pids_are_known() and find_start_ticks(holder.pid) != holder.start_ticks


class IdSource:
    """Ids that sort by time and never repeat: `r-019…`; a prefix, the wall clock in hex and eight random digits."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def __call__(self, prefix: str) -> str:
        return f"{prefix}-{to_epoch_ms(self._clock.now()):011x}{secrets.token_hex(4)}"


def _where_pids_are_known() -> str:
    """The machine's boot and the PID namespace: two containers on one machine share the first, and do not see each
    other's processes."""
    boot_id = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return f"{boot_id}/{os.stat('/proc/self/ns/pid').st_ino}"
