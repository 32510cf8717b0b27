"""What is asked of the store about scheduled tasks and their fires. The rules of `store/ports.py` hold here too.

One row per (task, fire time) in the ledger: written by the transaction that claims it, before any run, and settled by
the one that ends its run. A task's row is locked after its group's and before its fires.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from intercomd.domain.ids import ChatJid, Folder, Seq, TaskId
from intercomd.domain.leases import Fence
from intercomd.domain.outbox import NewText
from intercomd.domain.scheduled import Claimed, Fire, ReadyTask, ScheduledTask, TaskChange


@dataclass(frozen=True, slots=True)
class Answer:
    """The reply to a slash command, and where that command stands in its chat."""

    reply: NewText
    handled: tuple[ChatJid, Seq]


class Tasks(Protocol):
    """Scheduled tasks, and the ledger of their fires. Every change leaves an event with `who` in its detail.

    An `answer` is stored with the change that its command asked for, in one transaction; a command that is handled
    already changes nothing (its crash or repeat does nothing twice), and `change` then gives the task as it is.
    """

    def add(self, task: ScheduledTask, who: str, now: datetime) -> ScheduledTask:
        """Add a task of a registered group; its `number` is drawn here. Key: the id; the same task again gives the
        stored one, another under that id raises `StoreConflict`. Raises `NotFound` for an unknown group."""
        ...

    def get(self, task_id: TaskId) -> ScheduledTask:
        """Raises `NotFound`."""
        ...

    def find_by_number(self, folder: Folder, number: int) -> ScheduledTask | None: ...

    def list_tasks(self, folder: Folder | None, limit: int, after: TaskId | None = None) -> list[ScheduledTask]:
        """In the order of their ids, from the one behind `after`; of one group, or of all."""
        ...

    def list_open(self, folder: Folder | None, limit: int) -> list[ScheduledTask]:
        """Those that are not completed, by group and number; of one group, or of all."""
        ...

    def count_active(self, folder: Folder) -> int:
        """How many of a group's tasks are active."""
        ...

    def change(
        self, task_id: TaskId, change: TaskChange, who: str, now: datetime, answer: Answer | None = None
    ) -> ScheduledTask:
        """Raises `NotFound`. A fire that is queued already runs with the new prompt; a change of the status to paused
        or completed settles queued ones as skipped."""
        ...

    def remove(self, task_id: TaskId, who: str, now: datetime, answer: Answer | None = None) -> bool:
        """Remove the task; queued fires are settled as skipped, a live run goes on, and the ledger stays until its
        retention. False, and nothing is stored, when there is no such task."""
        ...

    def run_now(self, task_id: TaskId, key: str, who: str, now: datetime) -> Fire:
        """Queue a fire at `now` beside the schedule. `key` makes it idempotent. Raises `NotFound`, and
        `StoreConflict` while a fire of the task is queued or running."""
        ...

    def claim_due(self, fence: Fence, now: datetime, limit: int) -> Claimed:
        """Handle up to `limit` tasks whose `next_run` has come, the earliest first, in one fenced transaction: the rows
        that `plan_fires` gives since the last one handled, queued or skipped as `decide_overlap` says, and the task's
        next fire time (none completes a task once its fire is settled). A task whose group is gone or whose schedule
        no longer parses is paused, with its reason in the ledger and in the chat (hazard B-81)."""
        ...

    def rewind(self, fence: Fence, now: datetime, limit: int) -> int:
        """Let tasks go on from `now` that were claimed when the clock was ahead by more than a minute: those of up to
        `limit` fires; returns how many, 0 when none is left. No fire time that has a row is repeated. Indexed."""
        ...

    def list_ready(self, now: datetime, limit: int) -> list[ReadyTask]:
        """Groups with a queued fire whose `not_before` is over, the longest waiting first; indexed."""
        ...

    def next_wake_at(self, now: datetime) -> datetime | None:
        """The nearest instant, also a past one, at which a task is due or a queued fire's `not_before` is over, but
        for fires that are ready; None when there is none. Indexed: costs the same with 100,000 tasks."""
        ...

    def list_fires(self, task_id: TaskId, limit: int) -> list[Fire]:
        """Newest first."""
        ...

    def list_unsettled(self, task_id: TaskId) -> list[Fire]:
        """Those that are queued or running, oldest first: two at most."""
        ...

    def count_fires(self) -> dict[str, int]:
        """How many fires are queued and running, by state."""
        ...
