"""The 25 endpoints of `/v1/db/*` as a table, and the one resource that serves them (original.md §5.2)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import falcon
import msgspec

from intercomd.api.failures import name_operation
from intercomd.api.requests import read_body
from intercomd.api.services import Services
from intercomd.api.wire import chats, groups, messages, shapes, state, tasks

PREFIX = "/v1/db"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One operation. `label` is what 5xx answers have in `error`; `act` is given the services, and the body where
    there is a `shape`: without one any body and content type are ignored. `answers` is the type of the answer."""

    path: str
    label: str
    shape: type[Any] | None
    answers: Any
    act: Callable[..., object]
    conflicts: str | None = None
    misses: str | None = None


_SCHEDULING = "the daemon's own scheduler is active"

ENDPOINTS = (
    Endpoint("/chats", "store_chat_metadata", shapes.ChatBody, shapes.Acknowledged, chats.store_chat),
    Endpoint("/chats/name", "update_chat_name", shapes.ChatNameBody, shapes.Acknowledged, chats.store_chat_name),
    Endpoint("/chats/all", "get_all_chats", None, list[shapes.ChatInfo], chats.list_chats),
    Endpoint("/messages", "store_message", shapes.NewMessage, shapes.Acknowledged, messages.store_message),
    Endpoint("/messages/new", "get_new_messages", shapes.NewMessagesBody, shapes.NewMessages, messages.list_new),
    Endpoint(
        "/messages/since",
        "get_messages_since",
        shapes.MessagesSinceBody,
        list[shapes.NewMessage] | shapes.MessagesSince,
        messages.list_since,
    ),
    Endpoint(
        "/messages/conversation",
        "get_recent_conversation",
        shapes.ConversationBody,
        list[shapes.ConversationMessage],
        messages.list_conversation,
    ),
    Endpoint(
        "/tasks",
        "create_task",
        shapes.ScheduledTaskShape,
        shapes.Acknowledged,
        tasks.create,
        "the id is in use, or the group has too many tasks",
        "no group has the folder",
    ),
    Endpoint("/tasks/get", "get_task_by_id", shapes.TaskIdBody, shapes.TaskView | None, tasks.find),
    Endpoint("/tasks/group", "get_tasks_for_group", shapes.FolderBody, list[shapes.TaskView], tasks.list_of_group),
    Endpoint("/tasks/all", "get_all_tasks", None, list[shapes.TaskView], tasks.list_all),
    Endpoint(
        "/tasks/update",
        "update_task",
        shapes.TaskUpdateBody,
        shapes.Acknowledged,
        tasks.update,
        "the task's state forbids it",
    ),
    Endpoint("/tasks/delete", "delete_task", shapes.TaskIdBody, shapes.Acknowledged, tasks.delete),
    Endpoint("/tasks/due", "get_due_tasks", None, list[shapes.TaskView], tasks.list_due, _SCHEDULING),
    Endpoint(
        "/tasks/after-run",
        "update_task_after_run",
        shapes.AfterRunBody,
        shapes.Acknowledged,
        tasks.finish_run,
        _SCHEDULING,
    ),
    Endpoint(
        "/tasks/log",
        "log_task_run",
        shapes.TaskRunLogBody,
        shapes.Acknowledged,
        tasks.log_run,
        misses="there is no such task",
    ),
    Endpoint("/router-state/get", "get_router_state", shapes.RouterKeyBody, shapes.RouterValue, state.get_router_value),
    Endpoint(
        "/router-state/set",
        "set_router_state",
        shapes.RouterValueBody,
        shapes.Acknowledged,
        state.set_router_value,
        "the value is rendered from the store's numbers",
    ),
    Endpoint("/sessions/get", "get_session", shapes.FolderBody, shapes.SessionView, state.get_session),
    Endpoint(
        "/sessions/set",
        "set_session",
        shapes.SessionBody,
        shapes.Acknowledged,
        state.set_session,
        misses="no group has the folder",
    ),
    Endpoint("/sessions/all", "get_all_sessions", None, dict[str, str], state.list_sessions),
    Endpoint("/sessions/delete", "delete_session", shapes.FolderBody, shapes.Acknowledged, state.delete_session),
    Endpoint("/groups/get", "get_registered_group", shapes.GroupJidBody, shapes.RegisteredGroup | None, groups.find),
    Endpoint(
        "/groups/set",
        "set_registered_group",
        shapes.RegisteredGroup,
        shapes.Acknowledged,
        groups.register,
        "another chat has the folder, or its run is live",
    ),
    Endpoint("/groups/all", "get_all_registered_groups", None, dict[str, shapes.RegisteredGroup], groups.list_all),
)


class WireResource:
    """Serves one endpoint."""

    def __init__(self, endpoint: Endpoint, services: Services) -> None:
        self._endpoint = endpoint
        self._services = services

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        endpoint = self._endpoint
        name_operation(request, endpoint.label)
        bodies = () if endpoint.shape is None else (read_body(request, endpoint.shape),)
        answer = endpoint.act(self._services, *bodies)
        response.content_type = falcon.MEDIA_JSON
        response.data = msgspec.json.encode(answer)  # Falcon would take a media of None for no body
