"""Every operation of the API, for `/openapi.json`; a test compares this list with the routes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from intercomd.api import bridge_shapes, task_shapes
from intercomd.api import openapi_shapes as shapes
from intercomd.api.commands import CommandBody
from intercomd.api.groups import NetworkChoice, NewGroup
from intercomd.api.local_chats import MAX_WAIT_SECONDS, NewLocalMessage
from intercomd.api.orchestrator import LONGEST_WAIT_S, Wish
from intercomd.api.requests import MAX_SEQ
from intercomd.api.tasks import NewTask, RunNow, ScheduleBody, TaskPatch
from intercomd.api.telegram import EditBody, IngressBody, SendBody
from intercomd.api.telegram_callback import PressBody
from intercomd.api.why import WhyShape
from intercomd.api.wire.endpoints import ENDPOINTS, PREFIX, Endpoint
from intercomd.domain.demarch import ReadOperation, WriteOperation

Problems = dict[int, str | None]
"""Statuses of problem documents and what they mean there; None for the usual meaning."""

_STORE: Problems = {503: None}
_ACTOR: Problems = {503: None, 504: None}
_NOT_FOUND: Problems = {404: None, 503: None}
_BAD_QUERY: Problems = {422: None, 503: None}
_LIMIT = {"limit": {"type": "integer", "minimum": 1, "maximum": 500, "default": 50}}
_POSITION = {"type": "integer", "minimum": 0, "maximum": MAX_SEQ, "default": 0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One method of one path. `answers` are the types of good answers by status, `problems` what else can happen;
    401, 403, 400 and 500 go without saying, and 413, 415 and 422 where there is a `body`."""

    method: str
    path: str
    name: str
    summary: str
    answers: Mapping[int, Any]
    body: Any = None
    query: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    problems: Problems = field(default_factory=dict)


def _get(path: str, name: str, summary: str, answer: Any, **more: Any) -> Operation:
    return Operation(method="GET", path=path, name=name, summary=summary, answers={200: answer}, **more)


def _wire(endpoint: Endpoint) -> Operation:
    """A problem that is no defect and that the endpoint has a name for, or the usual ones."""
    named: Problems = {409: endpoint.conflicts, 404: endpoint.misses}
    return Operation(
        method="POST",
        path=PREFIX + endpoint.path,
        name=endpoint.label,
        summary=endpoint.label.replace("_", " "),
        answers={200: endpoint.answers},
        body=endpoint.shape,
        problems={**_STORE, **{status: meaning for status, meaning in named.items() if meaning}},
    )


def _post(path: str, name: str, summary: str, body: Any, answer: Any, problems: Problems) -> Operation:
    answers = {200: answer}
    return Operation(
        method="POST", path=path, name=name, summary=summary, answers=answers, body=body, problems=problems
    )


_PROBES = (
    _get("/livez", "livez", "the process takes requests", shapes.Live),
    _get("/healthz", "healthz", "the process and its supervision tree", shapes.Health),
    Operation(
        method="GET",
        path="/readyz",
        name="readyz",
        summary="whether the daemon does what it is set to do; 503 when not",
        answers={200: shapes.Ready, 503: shapes.Ready},
        query={"verbose": {"type": "string"}},
    ),
)

_RESOURCES = (
    _get("/openapi.json", "openapi", "this description", dict[str, Any]),
    _get("/v1/status", "status", "everything on one screen", shapes.Status),
    _get("/v1/supervision", "supervision", "the supervision tree", shapes.Tree),
    _get("/v1/runtime/profiles", "runtime_profiles", "the configured runtimes", shapes.Profiles),
    _get(
        "/v1/orchestrator",
        "get_orchestrator",
        "wanted, actual, and why they differ; with `wait` once the state is one that stays",
        shapes.OrchestratorShape,
        query={"wait": {"type": "number", "minimum": 0, "maximum": LONGEST_WAIT_S}},
        problems=_BAD_QUERY,
    ),
    _post(
        "/v1/orchestrator",
        "switch_orchestrator",
        "enable or disable the orchestrator",
        Wish,
        shapes.OrchestratorShape,
        {**_ACTOR, 409: "the settings say no"},
    ),
    _get("/v1/preflight", "preflight", "every check with its evidence", shapes.PreflightShape, problems=_STORE),
    _get("/v1/groups", "list_groups", "all groups", shapes.GroupList, problems=_STORE),
    Operation(
        method="POST",
        path="/v1/groups",
        name="register_group",
        summary="register a chat or change its settings",
        answers={201: shapes.GroupShape},
        body=NewGroup,
        problems={**_STORE, 409: "another chat has the folder, or its run is live"},
    ),
    _get("/v1/groups/{folder}", "get_group", "one group", shapes.GroupShape, problems={**_NOT_FOUND, 422: None}),
    Operation(
        method="PUT",
        path="/v1/groups/{folder}/network",
        name="set_group_network",
        summary="decide what a group's sandboxes may reach",
        answers={200: shapes.GroupShape},
        body=NetworkChoice,
        problems=_NOT_FOUND,
    ),
    Operation(
        method="DELETE",
        path="/v1/groups/{folder}",
        name="remove_group",
        summary="unregister a chat; its log stays",
        answers={204: None},
        problems={**_NOT_FOUND, 409: "its run is live", 422: None},
    ),
    _get(
        "/v1/runs",
        "list_runs",
        "the newest runs",
        shapes.RunList,
        query={"group": {"type": "string"}, **_LIMIT},
        problems=_BAD_QUERY,
    ),
    _get("/v1/runs/{run_id}", "get_run", "one run", shapes.RunShape, problems=_NOT_FOUND),
    _get(
        "/v1/outbox",
        "list_outbox",
        "the newest texts of the outbox",
        shapes.OutboxList,
        query={"chat": {"type": "string"}, **_LIMIT},
        problems=_BAD_QUERY,
    ),
    _get(
        "/v1/why",
        "explain",
        "why a message or a task is where it is",
        WhyShape,
        query={"about": {"type": "string", "minLength": 1, "maxLength": 512}},
        problems={**_BAD_QUERY, 404: None},
    ),
    _post("/v1/commands", "run_command", "run a slash command", CommandBody, shapes.CommandAnswer, _ACTOR),
)

_TASK = "/v1/tasks/{task_id}"
_TASKS = (
    _get(
        "/v1/tasks",
        "list_tasks",
        "scheduled tasks in the order of their ids, a page at a time",
        task_shapes.TaskPage,
        query={
            "group": {"type": "string"},
            "number": {"type": "integer", "minimum": 1, "maximum": MAX_SEQ},
            "after": {"type": "string"},
            **_LIMIT,
        },
        problems={**_BAD_QUERY, 404: "the group has no task with the number"},
    ),
    Operation(
        method="POST",
        path="/v1/tasks",
        name="create_scheduled_task",
        summary="save a task; the same id and values again make no second one",
        answers={201: task_shapes.TaskShape},
        body=NewTask,
        problems={**_STORE, 404: "no group has the folder", 409: "the id is in use, or the group has too many tasks"},
    ),
    _post(
        "/v1/tasks/preview",
        "preview_schedule",
        "the next fire times of a schedule, with a warning where the clock changes; nothing is saved",
        ScheduleBody,
        task_shapes.PreviewShape,
        {},
    ),
    _get(_TASK, "get_scheduled_task", "one task", task_shapes.TaskShape, problems={**_NOT_FOUND, 422: None}),
    Operation(
        method="PATCH",
        path=_TASK,
        name="change_scheduled_task",
        summary="change a task; another schedule begins anew, and makes a completed task active",
        answers={200: task_shapes.TaskShape},
        body=TaskPatch,
        problems={**_NOT_FOUND, 409: "the group has too many tasks"},
    ),
    Operation(
        method="DELETE",
        path=_TASK,
        name="cancel_scheduled_task",
        summary="remove a task; a live run of it goes on",
        answers={204: None},
        problems={**_NOT_FOUND, 422: None},
    ),
    _post(
        f"{_TASK}/pause",
        "pause_scheduled_task",
        "let a task rest; a paused one stays so",
        None,
        task_shapes.TaskShape,
        {**_NOT_FOUND, 409: "it is completed", 422: None},
    ),
    _post(
        f"{_TASK}/resume",
        "resume_scheduled_task",
        "go on from now, without what was missed; an active task stays so",
        None,
        task_shapes.TaskShape,
        {**_NOT_FOUND, 409: "it was to run once, and that is past", 422: None},
    ),
    _post(
        f"{_TASK}/run",
        "run_scheduled_task",
        "run a task now, beside its schedule; the same id again runs it once",
        RunNow,
        task_shapes.FireShape,
        {**_NOT_FOUND, 409: "it runs or is about to"},
    ),
    _get(
        f"{_TASK}/fires",
        "list_fires",
        "what became of a task's fire times, newest first",
        task_shapes.FireList,
        query=_LIMIT,
        problems={**_NOT_FOUND, 422: None},
    ),
)

_BRIDGES = (
    _post(
        "/v1/telegram/ingress",
        "telegram_ingress",
        "take in what was written on Telegram",
        IngressBody,
        bridge_shapes.IngressAnswer,
        _STORE,
    ),
    _post(
        "/v1/telegram/send",
        "telegram_send",
        "send a text on Telegram; `ok` tells",
        SendBody,
        bridge_shapes.SendAnswer,
        _STORE,
    ),
    _post(
        "/v1/telegram/edit",
        "telegram_edit",
        "edit a text on Telegram; `ok` tells",
        EditBody,
        bridge_shapes.EditAnswer,
        {},
    ),
    _post(
        "/v1/telegram/callback",
        "telegram_callback",
        "a pressed button; `ok` tells",
        PressBody,
        bridge_shapes.CallbackAnswer,
        _STORE,
    ),
    _post(
        "/v1/demarch/read",
        "demarch_read",
        "ask the Demarch tools; `status` tells",
        ReadOperation,
        bridge_shapes.DemarchReply,
        {},
    ),
    _post(
        "/v1/demarch/write",
        "demarch_write",
        "act through the Demarch tools; `status` tells",
        WriteOperation,
        bridge_shapes.DemarchReply,
        _STORE,
    ),
)

_CHAT = "/v1/local/chats/{name}"
_LOCAL = (
    _get("/v1/local/chats", "list_local_chats", "the local chats", shapes.ChatList, problems=_STORE),
    _get(
        f"{_CHAT}/messages",
        "list_local_messages",
        "the newest messages",
        shapes.UpdatesShape,
        query=_LIMIT,
        problems=_BAD_QUERY,
    ),
    _post(
        f"{_CHAT}/messages",
        "write_local_message",
        "write a text; the same id again stores nothing",
        NewLocalMessage,
        shapes.Stored,
        {**_STORE, 409: "no folder is free for the chat"},
    ),
    _get(
        f"{_CHAT}/updates",
        "wait_local_updates",
        "what came after a position; with `wait` it waits for something to come",
        shapes.UpdatesShape,
        query={
            "after": _POSITION,
            "live": _POSITION,
            "wait": {"type": "number", "minimum": 0, "maximum": MAX_WAIT_SECONDS},
            **_LIMIT,
        },
        problems=_BAD_QUERY,
    ),
)

OPERATIONS: tuple[Operation, ...] = (*_PROBES, *_RESOURCES, *_TASKS, *_BRIDGES, *_LOCAL, *map(_wire, ENDPOINTS))
