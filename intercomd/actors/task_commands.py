"""`/tasks`, `/pause`, `/resume` and `/cancel`: what a chat may do with scheduled tasks, and the texts it gets.

People of a registered chat manage that group's tasks; in the main group's chat, everybody's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from intercomd.desk.tasks import TaskDesk
from intercomd.domain import task_texts
from intercomd.domain.ids import Folder
from intercomd.domain.markdown import plain
from intercomd.domain.rights import Requester
from intercomd.domain.scheduled import ScheduledTask
from intercomd.errors import NotFound, PolicyRefused, StoreConflict
from intercomd.store.task_ports import Answer

Placing = Callable[[str], Answer]
"""From a reply's text to the reply in its place; what the command does is then stored together with it."""


@dataclass(frozen=True, slots=True)
class TaskReply:
    """What a command says, and whether that is in the outbox already."""

    text: str
    is_stored: bool = False


class TaskCommands:
    """The methods raise `StoreUnavailable`."""

    def __init__(self, desk: TaskDesk, main_folder: str) -> None:
        self._desk = desk
        self._main_folder = main_folder
        self._changes = {
            "pause": (desk.pause, task_texts.paused_text),
            "resume": (desk.resume, task_texts.resumed_text),
            "cancel": (desk.cancel, task_texts.cancelled_text),
        }

    def reply(self, name: str, arguments: str, own: Folder, who: str, placing: Placing | None) -> TaskReply:
        """Carry out command `name` of `domain.commands.TASK_NAMES`, written by `who` in the chat of group `own`."""
        requester = Requester(own, own == self._main_folder, who)
        if name == "tasks":
            return TaskReply(self._list(requester, own))
        reference = task_texts.parse_reference(arguments)
        if reference is None:
            return TaskReply(task_texts.usage_text(name))
        act, say = self._changes[name]

        def answering(task: ScheduledTask) -> Answer:
            assert placing is not None
            return placing(say(task, own))

        try:
            task = self._desk.get_by_number(requester, reference.folder or own, reference.number)
            after = act(requester, task.task_id, answering if placing else None)
        except (NotFound, PolicyRefused, StoreConflict) as error:
            return TaskReply(plain(_sentence(str(error))))
        return TaskReply(say(after, own), is_stored=placing is not None)

    def _list(self, requester: Requester, own: Folder) -> str:
        tasks = self._desk.list_open(requester, None, task_texts.MOST_SHOWN + 1)
        return task_texts.list_text(tasks, own, is_main=requester.is_main)


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."
