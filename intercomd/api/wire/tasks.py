"""`/v1/db/tasks*`: scheduled tasks as rows. While our scheduler is active it alone runs them (hazard B-33)."""

from __future__ import annotations

from datetime import timedelta

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
from intercomd.domain.ids import TaskId
from intercomd.domain.instants import EPOCH
from intercomd.domain.scheduled import ScheduledTask, TaskChange, TaskRunLog
from intercomd.errors import StoreConflict


def create(services: Services, body: ScheduledTaskShape) -> Acknowledged:
    task = ScheduledTask(
        task_id=TaskId(body.id),
        group_folder=parse_folder(body.group_folder, "group_folder"),
        chat_jid=parse_jid(body.chat_jid, "chat_jid"),
        prompt=body.prompt,
        schedule_type=body.schedule_type,
        schedule_value=body.schedule_value,
        context_mode=body.context_mode,
        next_run=parse_optional_instant(body.next_run, "next_run"),
        last_run=None,
        last_result=None,
        status=body.status,
        created_at=parse_instant(body.created_at, "created_at") or EPOCH,
    )
    services.store.compat.tasks.add(task, services.clock.now())
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
    change = TaskChange(
        prompt=body.prompt,
        schedule_type=body.schedule_type,
        schedule_value=body.schedule_value,
        next_run=parse_optional_instant(body.next_run, "next_run"),
        status=body.status,
    )
    if change != TaskChange():
        services.store.compat.tasks.change(TaskId(body.id), change, services.clock.now())
    return Acknowledged()


def delete(services: Services, body: TaskIdBody) -> Acknowledged:
    services.store.compat.tasks.remove(TaskId(body.id), services.clock.now())
    return Acknowledged()


def list_due(services: Services) -> list[TaskView]:
    _refuse_while_we_schedule(services)
    return [_render(task) for task in services.store.compat.tasks.list_due(services.clock.now())]


def finish_run(services: Services, body: AfterRunBody) -> Acknowledged:
    next_run = parse_optional_instant(body.next_run, "next_run")
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
