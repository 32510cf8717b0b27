"""`/v1/db/tasks*`: scheduled tasks as rows, by the rules of everybody else's. While our scheduler is active it alone
runs them (hazard B-33)."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta

from intercomd.api.services import Services
from intercomd.api.wire.shapes import (
    Acknowledged,
    AfterRunBody,
    FolderBody,
    ScheduledTaskShape,
    TaskIdBody,
    TaskRunLogBody,
    TaskUpdateBody,
    TaskView,
)
from intercomd.api.wire.values import (
    parse_instant,
    parse_optional_instant,
    render_instant,
    render_optional_instant,
)
from intercomd.desk.jids import parse_jid
from intercomd.domain.folder import parse_folder
from intercomd.domain.ids import ChatJid, Folder, TaskId
from intercomd.domain.instants import EPOCH
from intercomd.domain.rights import Requester
from intercomd.domain.scheduled import ScheduledTask, TaskRunLog
from intercomd.domain.task_rules import TaskDraft, TaskEdit, check_next_run
from intercomd.errors import InvalidInput, NotFound, StoreConflict

_CLIENT = Requester(None, True, "a client of the wire API")


def create(services: Services, body: ScheduledTaskShape) -> Acknowledged:
    """A given `next_run` is the first fire time; without one it follows from the schedule (hazard B-72)."""
    folder = parse_folder(body.group_folder, "group_folder")
    _check_chat(services, parse_jid(body.chat_jid, "chat_jid"), folder)
    draft = TaskDraft(
        folder=folder,
        task_id=TaskId(body.id),
        prompt=body.prompt,
        schedule_type=body.schedule_type,
        schedule_value=body.schedule_value,
        context_mode=body.context_mode,
        next_run=_parse_next_run(body.next_run),
        status=body.status,
        created_at=parse_instant(body.created_at, "created_at") or EPOCH,
    )
    services.tasks.create(_CLIENT, draft)
    return Acknowledged()


def find(services: Services, body: TaskIdBody) -> TaskView | None:
    task = services.store.compat.tasks.find(TaskId(body.id))
    return None if task is None else _render(task)


def list_of_group(services: Services, body: FolderBody) -> list[TaskView]:
    folder = parse_folder(body.group_folder, "group_folder")
    return [_render(task) for task in services.store.compat.tasks.list_of_group(folder)]


def list_all(services: Services) -> list[TaskView]:
    return [_render(task) for task in services.store.compat.tasks.list_all()]


def update(services: Services, body: TaskUpdateBody) -> Acknowledged:
    """An unknown id changes nothing."""
    edit = TaskEdit(
        prompt=body.prompt,
        schedule_type=body.schedule_type,
        schedule_value=body.schedule_value,
        next_run=_parse_next_run(body.next_run),
        status=body.status,
    )
    with suppress(NotFound):
        services.tasks.change(_CLIENT, TaskId(body.id), edit)
    return Acknowledged()


def delete(services: Services, body: TaskIdBody) -> Acknowledged:
    """An unknown id is removed already."""
    with suppress(NotFound):
        services.tasks.cancel(_CLIENT, TaskId(body.id))
    return Acknowledged()


def list_due(services: Services) -> list[TaskView]:
    _refuse_while_we_schedule(services)
    return [_render(task) for task in services.store.compat.tasks.list_due(services.clock.now())]


def finish_run(services: Services, body: AfterRunBody) -> Acknowledged:
    next_run = check_next_run(parse_optional_instant(body.next_run, "next_run"))
    _refuse_while_we_schedule(services)
    services.store.compat.tasks.finish_run(TaskId(body.id), next_run, body.last_result, services.clock.now())
    return Acknowledged()


def log_run(services: Services, body: TaskRunLogBody) -> Acknowledged:
    services.store.compat.tasks.log_run(
        TaskRunLog(
            task_id=TaskId(body.task_id),
            run_at=parse_instant(body.run_at, "run_at") or EPOCH,
            duration=timedelta(milliseconds=body.duration_ms),
            status=body.status,
            result=body.result,
            error=body.error,
        )
    )
    return Acknowledged()


def _check_chat(services: Services, chat_jid: ChatJid, folder: Folder) -> None:
    progress = services.store.groups.find_by_jid(chat_jid)
    if progress is None or progress.group.folder != folder:
        raise InvalidInput("chat_jid", f"{chat_jid} is not the chat of a group with the folder {folder}")


def _parse_next_run(text: str | None) -> datetime | None:
    """As every time of the wire, it is not before 1970."""
    instant = parse_optional_instant(text, "next_run")
    return None if instant is None else max(instant, EPOCH)


def _refuse_while_we_schedule(services: Services) -> None:
    """Two schedulers on one table would run every task twice."""
    if services.facts.is_scheduler_active():
        raise StoreConflict("the scheduler of this daemon is active and runs the tasks: nobody else may")


def _render(task: ScheduledTask) -> TaskView:
    return TaskView(
        id=task.task_id,
        group_folder=task.group_folder,
        chat_jid=task.chat_jid,
        prompt=task.prompt,
        schedule_type=task.schedule_type,
        schedule_value=task.schedule_value,
        context_mode=task.context_mode,
        next_run=render_optional_instant(task.next_run),
        last_run=render_optional_instant(task.last_run),
        last_result=task.last_result,
        status=task.status,
        created_at=render_instant(task.created_at),
    )
