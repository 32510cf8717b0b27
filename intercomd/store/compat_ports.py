"""What the wire API of the existing system asks of the store beyond the other ports (original.md §5.2, §6.2).

The rules of `store/ports.py` hold here too. Times are those that senders gave; only seqs say what was stored when.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from intercomd.domain.chat import ChatMessage
from intercomd.domain.ids import ChatJid, Folder, Seq, TaskId
from intercomd.domain.scheduled import ScheduledTask, TaskRunLog


@dataclass(frozen=True, slots=True)
class GroupTimes:
    """A group's numbers as instants: its newest text of people, and the last one before its next prompt's start."""

    chat_jid: ChatJid
    newest_at: datetime | None
    context_at: datetime | None


@dataclass(frozen=True, slots=True)
class Texts:
    """What people wrote in one chat, and the position behind it: everything up to it that fits has been given."""

    messages: Sequence[ChatMessage]
    position: Seq


class WireChats(Protocol):
    """Chats and their texts, as clients that poll by time want them."""

    def record_chat(self, chat_jid: ChatJid, name: str | None, is_group: bool | None, at: datetime | None) -> None:
        """Add or update a chat. A name equal to the JID is none; the newest time stays; None changes nothing."""
        ...

    def rename_chat(self, chat_jid: ChatJid, name: str, now: datetime) -> None:
        """Name a chat; an unknown one is added with the time `now`."""
        ...

    def texts_since(self, chat_jid: ChatJid, after: datetime | None, mark: str) -> Texts:
        """Texts of people sent after an instant (None: all), in the order of their times.

        Left out: bot messages, commands, empty texts, and texts that begin with `mark` unless it is empty. `position`
        is the chat's last seq at the latest when the texts were read.
        """
        ...

    def texts_after(self, chat_jid: ChatJid, after: Seq, mark: str, limit: int) -> Texts:
        """The same by position: up to `limit` texts stored after `after`, in the order they were stored.

        Seqs are drawn under the chat's row lock, so nothing can turn up later before `position`. Raises `InvalidInput`
        for a position the chat has not reached.
        """
        ...

    def conversation(self, chat_jid: ChatJid, limit: int) -> list[ChatMessage]:
        """The `limit` messages with the newest times that are not empty, bot messages included, oldest first."""
        ...

    def list_group_times(self) -> list[GroupTimes]: ...


class ScheduledTasks(Protocol):
    """Scheduled tasks and the log of their runs: what its clients ask beside `store/task_ports.py`."""

    def find(self, task_id: TaskId) -> ScheduledTask | None: ...

    def list_all(self) -> list[ScheduledTask]:
        """Newest first."""
        ...

    def list_of_group(self, folder: Folder) -> list[ScheduledTask]:
        """Newest first."""
        ...

    def list_due(self, now: datetime) -> list[ScheduledTask]:
        """Active tasks whose `next_run` has come, the earliest first."""
        ...

    def finish_run(self, task_id: TaskId, next_run: datetime | None, last_result: str, now: datetime) -> None:
        """Another scheduler has run the task: `next_run` is set, and without one the task is completed. An unknown id
        changes nothing."""
        ...

    def log_run(self, log: TaskRunLog) -> None:
        """Append to the task's log; raises `NotFound`. The one write without a key: a repeat is logged twice."""
        ...


class RouterState(Protocol):
    """Values that clients keep by key."""

    def find(self, key: str) -> str | None: ...

    def set(self, key: str, value: str) -> None: ...


class Compat(Protocol):
    """Everything that only the wire API uses."""

    chats: WireChats
    tasks: ScheduledTasks
    router: RouterState
