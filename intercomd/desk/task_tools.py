"""Scheduled tasks as tools of agents. The rules are `desk/tasks.py`'s; here are arguments and words."""

from __future__ import annotations

import json
from datetime import datetime

from intercomd.desk.params import Params
from intercomd.desk.tasks import TaskDesk
from intercomd.desk.tools import Caller, Effect, Tool, Toolbox
from intercomd.domain.ids import ChatJid, Folder, TaskId
from intercomd.domain.instants import iso_ms
from intercomd.domain.scheduled import ContextMode, ScheduledTask
from intercomd.domain.schedules.misfires import MisfirePolicy, OverlapPolicy
from intercomd.domain.task_rules import TaskDraft, TaskEdit
from intercomd.domain.text import cut
from intercomd.errors import NotFound, PolicyRefused
from intercomd.store.ports import Groups

_MOST_LISTED = 200
_MOST_PROMPT_CHARACTERS = 500


def task_tools(desk: TaskDesk, groups: Groups) -> Toolbox:
    """The six tools of tasks."""

    def schedule(caller: Caller, params: Params) -> str:
        task = desk.create(
            caller.requester,
            TaskDraft(
                folder=_target(caller, params.find_text("target_group_jid"), groups),
                prompt=params.text("prompt"),
                schedule_type=params.text("schedule_type"),
                schedule_value=params.text("schedule_value"),
                zone=params.find_text("timezone"),
                context_mode=params.find_text("context_mode") or ContextMode.GROUP,
                misfire=params.find_text("misfire") or MisfirePolicy.RUN_ONCE,
                overlap=params.find_text("overlap") or OverlapPolicy.SKIP,
                task_id=TaskId(caller.key),
            ),
        )
        return f"Task {task.task_id} is scheduled; next time: {_when(task.next_run)}."

    def list_open(caller: Caller, _params: Params) -> str:
        tasks = desk.list_open(caller.requester, None, _MOST_LISTED)
        return json.dumps([_shown(task) for task in tasks], ensure_ascii=False, indent=1)

    def update(caller: Caller, params: Params) -> str:
        edit = TaskEdit(
            prompt=params.find_text("prompt"),
            schedule_type=params.find_text("schedule_type"),
            schedule_value=params.find_text("schedule_value"),
            zone=params.find_text("timezone"),
            context_mode=params.find_text("context_mode"),
            misfire=params.find_text("misfire"),
            overlap=params.find_text("overlap"),
        )
        task = desk.change(caller.requester, TaskId(params.text("task_id")), edit)
        return f"Task {task.task_id} is changed: {json.dumps(_shown(task), ensure_ascii=False)}"

    def pause(caller: Caller, params: Params) -> str:
        task = desk.pause(caller.requester, TaskId(params.text("task_id")))
        return f"Task {task.task_id} is paused."

    def resume(caller: Caller, params: Params) -> str:
        task = desk.resume(caller.requester, TaskId(params.text("task_id")))
        return f"Task {task.task_id} runs again; next time: {_when(task.next_run)}."

    def cancel(caller: Caller, params: Params) -> str:
        """Found gone by a repeated call, it was this call that removed it."""
        task_id = TaskId(params.text("task_id"))
        try:
            desk.cancel(caller.requester, task_id)
        except NotFound:
            if not caller.is_repeat:
                raise
        return f"Task {task_id} is cancelled."

    return {
        "schedule_task": Tool(schedule),
        "list_tasks": Tool(list_open, Effect.NOTHING),
        "update_task": Tool(update),
        "pause_task": Tool(pause),
        "resume_task": Tool(resume),
        "cancel_task": Tool(cancel),
    }


def _target(caller: Caller, jid: str | None, groups: Groups) -> Folder:
    """The group whose task it is to be. Others learn nothing of which chats are registered."""
    if jid is None or jid == caller.chat_jid:
        return caller.folder
    if not caller.requester.is_main:
        raise PolicyRefused(f"{jid} is not this group's chat; only the main group may schedule for others")
    progress = groups.find_by_jid(ChatJid(jid))
    if progress is None:
        raise NotFound(f"the chat {jid} is no registered group")
    return progress.group.folder


def _shown(task: ScheduledTask) -> dict[str, object]:
    return {
        "id": task.task_id,
        "number": task.number,
        "group": task.group_folder,
        "prompt": cut(task.prompt, _MOST_PROMPT_CHARACTERS),
        "schedule_type": task.schedule_type,
        "schedule_value": task.schedule_value,
        "timezone": task.zone,
        "context_mode": task.context_mode,
        "misfire": task.misfire,
        "overlap": task.overlap,
        "status": task.status,
        "next_run": None if task.next_run is None else iso_ms(task.next_run),
    }


def _when(instant: datetime | None) -> str:
    return "never" if instant is None else iso_ms(instant)
