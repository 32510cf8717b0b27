"""`/v1/tasks`: scheduled tasks. Who reaches the API is the operator, and manages everybody's."""

from __future__ import annotations

import uuid
from http import HTTPStatus
from typing import Annotated

import falcon
import msgspec

from intercomd.api.requests import MAX_SEQ, query_int, query_limit, read_body
from intercomd.api.task_views import fire_view, preview_view, task_view
from intercomd.desk.tasks import TaskDesk
from intercomd.domain.folder import parse_folder
from intercomd.domain.ids import TaskId
from intercomd.domain.rights import OPERATOR
from intercomd.domain.task_rules import TaskDraft, TaskEdit
from intercomd.errors import InvalidInput

_MAX_ID = 128

Key = Annotated[str, msgspec.Meta(min_length=1, max_length=_MAX_ID, pattern=r"^[^\x00]+$")]


class NewTask(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of `POST /v1/tasks`. Repeating a request with the same `id` makes no second task."""

    folder: str
    prompt: str
    schedule_type: str
    schedule_value: str
    timezone: str | None = None
    context_mode: str = "isolated"
    misfire: str = "run_once"
    overlap: str = "skip"
    id: Key | None = None


class TaskPatch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of `PATCH /v1/tasks/{task_id}`: what is absent or null stays."""

    prompt: str | None = None
    schedule_type: str | None = None
    schedule_value: str | None = None
    timezone: str | None = None
    context_mode: str | None = None
    misfire: str | None = None
    overlap: str | None = None


class ScheduleBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of `POST /v1/tasks/preview`."""

    schedule_type: str
    schedule_value: str
    timezone: str | None = None


class RunNow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of `POST /v1/tasks/{task_id}/run`. Repeating a request with the same `id` runs the task once."""

    id: Key | None = None


class TasksResource:
    """List and create."""

    def __init__(self, desk: TaskDesk) -> None:
        self._desk = desk

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """A page in the order of ids; `next` is what to pass as `after` for the one behind it, null on the last. With
        `number` the one task of the group that people call so."""
        group, after = request.get_param("group"), request.get_param("after")
        folder = parse_folder(group, "group") if group else None
        limit = query_limit(request)
        number = query_int(request, "number", 0, 1, MAX_SEQ)
        if number:
            if folder is None:
                raise InvalidInput("number", "it names a task only together with `group`")
            response.media = {"tasks": [task_view(self._desk.get_by_number(OPERATOR, folder, number))], "next": None}
            return
        page = self._desk.list_tasks(OPERATOR, folder, limit, parse_task_id(after, "after") if after else None)
        response.media = {
            "tasks": [task_view(task) for task in page],
            "next": page[-1].task_id if len(page) == limit else None,
        }

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        body = read_body(request, NewTask)
        draft = TaskDraft(
            folder=parse_folder(body.folder),
            prompt=body.prompt,
            schedule_type=body.schedule_type,
            schedule_value=body.schedule_value,
            zone=body.timezone,
            context_mode=body.context_mode,
            misfire=body.misfire,
            overlap=body.overlap,
            task_id=TaskId(body.id) if body.id else None,
        )
        response.media = task_view(self._desk.create(OPERATOR, draft))
        response.status = HTTPStatus.CREATED


class TaskResource:
    """One task."""

    def __init__(self, desk: TaskDesk) -> None:
        self._desk = desk

    def on_get(self, _request: falcon.Request, response: falcon.Response, task_id: str) -> None:
        response.media = task_view(self._desk.get(OPERATOR, parse_task_id(task_id)))

    def on_patch(self, request: falcon.Request, response: falcon.Response, task_id: str) -> None:
        body = read_body(request, TaskPatch)
        edit = TaskEdit(
            prompt=body.prompt,
            schedule_type=body.schedule_type,
            schedule_value=body.schedule_value,
            zone=body.timezone,
            context_mode=body.context_mode,
            misfire=body.misfire,
            overlap=body.overlap,
        )
        response.media = task_view(self._desk.change(OPERATOR, parse_task_id(task_id), edit))

    def on_delete(self, _request: falcon.Request, response: falcon.Response, task_id: str) -> None:
        self._desk.cancel(OPERATOR, parse_task_id(task_id))
        response.status = HTTPStatus.NO_CONTENT


class PauseResource:
    """Let a task rest; a paused one stays so."""

    def __init__(self, desk: TaskDesk) -> None:
        self._desk = desk

    def on_post(self, _request: falcon.Request, response: falcon.Response, task_id: str) -> None:
        response.media = task_view(self._desk.pause(OPERATOR, parse_task_id(task_id)))


class ResumeResource:
    """Go on from now; an active task stays as it is. 409 for a `once` whose time is past."""

    def __init__(self, desk: TaskDesk) -> None:
        self._desk = desk

    def on_post(self, _request: falcon.Request, response: falcon.Response, task_id: str) -> None:
        response.media = task_view(self._desk.resume(OPERATOR, parse_task_id(task_id)))


class RunResource:
    """Run a task now, beside its schedule. 409 while it runs or is about to."""

    def __init__(self, desk: TaskDesk) -> None:
        self._desk = desk

    def on_post(self, request: falcon.Request, response: falcon.Response, task_id: str) -> None:
        key = read_body(request, RunNow).id or uuid.uuid4().hex
        response.media = fire_view(self._desk.run_now(OPERATOR, parse_task_id(task_id), key))


class FiresResource:
    """What became of a task's fire times, newest first."""

    def __init__(self, desk: TaskDesk) -> None:
        self._desk = desk

    def on_get(self, request: falcon.Request, response: falcon.Response, task_id: str) -> None:
        fires = self._desk.list_fires(OPERATOR, parse_task_id(task_id), query_limit(request))
        response.media = {"fires": [fire_view(fire) for fire in fires]}


class PreviewResource:
    """The next fire times of a schedule, before anything is saved."""

    def __init__(self, desk: TaskDesk) -> None:
        self._desk = desk

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        body = read_body(request, ScheduleBody)
        response.media = preview_view(self._desk.preview(body.schedule_type, body.schedule_value, body.timezone))


def add_task_routes(app: falcon.App[falcon.Request, falcon.Response], desk: TaskDesk) -> None:
    """Everything below `/v1/tasks`."""
    app.add_route("/v1/tasks", TasksResource(desk))
    app.add_route("/v1/tasks/preview", PreviewResource(desk))
    app.add_route("/v1/tasks/{task_id}", TaskResource(desk))
    app.add_route("/v1/tasks/{task_id}/pause", PauseResource(desk))
    app.add_route("/v1/tasks/{task_id}/resume", ResumeResource(desk))
    app.add_route("/v1/tasks/{task_id}/run", RunResource(desk))
    app.add_route("/v1/tasks/{task_id}/fires", FiresResource(desk))


def parse_task_id(text: str, field: str = "task_id") -> TaskId:
    """`text` as an id that a row may have; raises `InvalidInput` naming `field`."""
    if "\0" in text:
        raise InvalidInput(field, "no id has a NUL")
    return TaskId(text)
