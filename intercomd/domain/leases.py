"""Leases: the right to a duty while it is renewed, and the fence every claim carries."""

from __future__ import annotations

from dataclasses import dataclass

from intercomd.domain.ids import DutyName, Epoch

DISPATCH = DutyName("dispatch")
IPC = DutyName("ipc")
"""The duty of handling what agents put into their folders under data/ipc."""


def delivery_duty(channel: str) -> DutyName:
    """The duty of delivering the texts of one channel."""
    return DutyName(f"channel:{channel}")


@dataclass(frozen=True, slots=True)
class Fence:
    """Proof of ownership: the write fails with `FenceLost` when the duty has another epoch."""

    duty: DutyName
    epoch: Epoch


@dataclass(frozen=True, slots=True)
class Holder:
    """A process that can hold leases: the machine's boot and PID namespace (`boot_id`), its pid and its start time in
    clock ticks."""

    boot_id: str
    pid: int
    start_ticks: int

    def __str__(self) -> str:
        return f"process {self.pid}"


@dataclass(frozen=True, slots=True)
class LeaseRow:
    """A lease as stored; `renewals` rises with every renewal, so a watcher needs no clock of the holder's."""

    duty: DutyName
    holder: Holder | None
    epoch: Epoch
    renewals: int
