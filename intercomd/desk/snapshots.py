"""The files an agent finds about its surroundings, written before each of its runs (original.md §10.4)."""

from __future__ import annotations

from pathlib import Path

from intercomd.clock import Clock
from intercomd.desk.groups import GroupDesk, SeenChat
from intercomd.domain.ids import Folder
from intercomd.domain.instants import iso_ms
from intercomd.domain.rights import Requester
from intercomd.domain.scheduled import ScheduledTask
from intercomd.errors import SandboxError
from intercomd.ipc.views import AVAILABLE_GROUPS, CURRENT_TASKS, write_view
from intercomd.store.ports import Store

_MOST_TASKS = 1_000
_NEVER = ""


class Snapshots:
    """The main group sees all tasks and chats, another group its own tasks and no chats."""

    def __init__(self, store: Store, groups: GroupDesk, views: Path, clock: Clock) -> None:
        self._store = store
        self._groups = groups
        self._views = views
        self._clock = clock

    def write(self, requester: Requester, folder: Folder) -> None:
        """Both files of one group; raises `SandboxError` and `StoreUnavailable`."""
        tasks = self._store.tasks.list_tasks(None if requester.is_main else folder, _MOST_TASKS)
        self._write(folder, CURRENT_TASKS, [_task(task) for task in tasks])
        self.write_groups(requester, folder)

    def write_groups(self, requester: Requester, folder: Folder) -> None:
        """The list of chats alone."""
        seen = self._groups.list_chats(requester) if requester.is_main else []
        groups = [_group(one) for one in seen if one.chat.is_group or one.folder is not None]
        self._write(folder, AVAILABLE_GROUPS, {"groups": groups, "lastSync": iso_ms(self._clock.now())})

    def _write(self, folder: Folder, name: str, value: object) -> None:
        try:
            write_view(self._views, folder, name, value)
        except OSError as error:
            raise SandboxError(f"group {folder}: {name} cannot be written: {error.strerror}") from error


def _task(task: ScheduledTask) -> dict[str, object]:
    return {
        "id": task.task_id,
        "groupFolder": task.group_folder,
        "prompt": task.prompt,
        "schedule_type": task.schedule_type,
        "schedule_value": task.schedule_value,
        "status": task.status,
        "next_run": None if task.next_run is None else iso_ms(task.next_run),
    }


def _group(seen: SeenChat) -> dict[str, object]:
    newest = seen.chat.last_message_at
    return {
        "jid": seen.chat.jid,
        "name": seen.chat.name,
        "lastActivity": _NEVER if newest is None else iso_ms(newest),
        "isRegistered": seen.folder is not None,
    }
