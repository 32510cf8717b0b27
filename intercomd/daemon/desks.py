"""The desks of this process: rules above the store, with what they need from the rest."""

from __future__ import annotations

from collections.abc import Callable

from intercomd.clock import Clock
from intercomd.desk.tasks import TaskDesk, TaskPolicy
from intercomd.domain.mailbox import TasksChanged
from intercomd.store.ports import Store
from intercomd.supervision.port import Address


def task_desk(
    store: Store, clock: Clock, new_id: Callable[[str], str], default_zone: str, scheduler: Address
) -> TaskDesk:
    """A desk whose changes the Scheduler hears of, if there is one."""

    def on_change() -> None:
        scheduler.hint(TasksChanged())

    return TaskDesk(store, clock, new_id, TaskPolicy(default_zone), on_change)
