"""The callback server: how the daemon reaches what lives in the host (original.md §15.1).

URLs are compared as they came, so a query string is an unknown route. Errors are `{"error": text}`. What goes beyond
the existing system: `outbox_id` in a text's body makes repeating it harmless; while the store is away the answer is
503, which says that nothing happened; `id` in a forwarded task's body makes repeating that harmless, and a task that
is refused is 422 with the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

import falcon
import falcon.media
import msgspec

from intercomd.api.access import Access
from intercomd.clock import Clock
from intercomd.domain.chat import Group
from intercomd.domain.ids import ChatJid, OutboxId
from intercomd.domain.mailbox import OutboxFilled
from intercomd.domain.outbox import NewText, TextKind
from intercomd.domain.routing import channel_of
from intercomd.errors import NotFound, StoreUnavailable
from intercomd.host.forwarding import TaskForwarding
from intercomd.logs import EventLog
from intercomd.store.ports import Store
from intercomd.supervision.port import Address

MOST_BODY_BYTES = 1024 * 1024
_MOST_ID_CHARACTERS = 200
_log = EventLog("host.callback")

App = falcon.App[falcon.Request, falcon.Response]
Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class CallbackParts:
    """What the routes are given. `channels` are those that this process owns; texts for others are refused."""

    store: Store
    outbox: Address
    channels: Collection[str]
    assistant_name: str
    tasks: TaskForwarding
    new_id: Callable[[str], str]
    clock: Clock


class Callback:
    """The routes."""

    def __init__(self, parts: CallbackParts) -> None:
        self._parts = parts
        self._gets: dict[str, Callable[[], Answer]] = {
            "/healthz": self._health,
            "/v1/ipc/registered-groups": self._groups,
        }
        self._posts: dict[str, Callable[[Answer], Answer]] = {
            "/v1/ipc/send-message": self._send,
            "/v1/ipc/forward-task": self._forward,
        }

    def __call__(self, req: falcon.Request, resp: falcon.Response, **_: Any) -> None:
        """Every request, by method and exact URL."""
        url: str = req.env["REQUEST_URI"]
        if req.method == "GET" and url in self._gets:
            resp.media = self._gets[url]()
        elif req.method != "POST":
            raise falcon.HTTPMethodNotAllowed(["GET", "POST"], description="Method not allowed")
        elif url not in self._posts:
            raise falcon.HTTPNotFound(description=f"Unknown route: {url}")
        else:
            resp.media = self._posts[url](_body(req))

    def _health(self) -> Answer:
        return {"status": "ok", "service": "intercom-host"}

    def _groups(self) -> Answer:
        groups = self._parts.store.groups.list_all()
        return {group.jid: _group_view(group, self._parts.assistant_name) for group in groups}

    def _send(self, body: Answer) -> Answer:
        """Into the outbox, which is what counts as sent here: whoever holds the channel's lease delivers it. The id of
        a text that is in our store already, because it was repeated or because the asking daemon shares the store,
        adds nothing: then its row says what becomes of it."""
        chat_jid, text = body.get("chat_jid"), body.get("text")
        if not (isinstance(chat_jid, str) and chat_jid and isinstance(text, str) and text):
            raise falcon.HTTPBadRequest(description="Missing chat_jid or text")
        if channel_of(ChatJid(chat_jid)) not in self._parts.channels:
            raise _no_channel(chat_jid)
        new = NewText(OutboxId(self._id_in(body, "outbox_id")), ChatJid(chat_jid), TextKind.REPLY, text)
        try:
            self._parts.store.outbox.enqueue([new], handled=None, now=self._parts.clock.now())
        except NotFound as error:
            raise _no_channel(chat_jid) from error
        self._parts.outbox.hint(OutboxFilled())
        return {"status": "ok"}

    def _id_in(self, body: Answer, field: str) -> str:
        given = body.get(field)
        if given is None:
            return self._parts.new_id("callback")
        if not (isinstance(given, str) and 0 < len(given) <= _MOST_ID_CHARACTERS):
            raise falcon.HTTPBadRequest(description=f"{field} must be a text of 1 to {_MOST_ID_CHARACTERS} characters")
        return given

    def _forward(self, body: Answer) -> Answer:
        """Done when the answer comes. Refused aloud: the caller hears why, and the log has it (hazard B-83)."""
        task, folder = body.get("task"), body.get("group_folder")
        if not (isinstance(task, dict) and isinstance(folder, str) and folder):
            raise falcon.HTTPBadRequest(description="Missing task or group_folder")
        answer = self._parts.tasks.carry_out(task, folder, self._id_in(body, "id"))
        if not answer.is_ok:
            _log.warning("host.task_refused", task_type=str(task.get("type"))[:40], folder=folder, reason=answer.text)
            raise falcon.HTTPUnprocessableEntity(description=answer.text)
        return {"status": "ok"}


def create_callback_app(callback: Callback) -> App:
    """The application. It is for this machine only, so the `Host` of a request must be this machine's."""
    app: App = falcon.App(middleware=[Access(None)])
    app.resp_options.media_handlers[falcon.MEDIA_JSON] = falcon.media.JSONHandler(dumps=msgspec.json.encode)
    app.set_error_serializer(_serialize)
    app.add_error_handler(Exception, _on_unknown)
    app.add_error_handler(StoreUnavailable, _on_store_away)
    app.add_sink(callback, "/")
    return app


def _body(request: falcon.Request) -> Answer:
    """The JSON object of the body, whatever its content type; another JSON value has no fields."""
    try:
        value = msgspec.json.decode(request.bounded_stream.read())
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise falcon.HTTPBadRequest(description="Invalid JSON") from error
    return value if isinstance(value, dict) else {}


def _no_channel(chat_jid: str) -> falcon.HTTPError:
    return falcon.HTTPInternalServerError(description=f"No channel for JID: {chat_jid}")


def _group_view(group: Group, assistant_name: str) -> Answer:
    """A group as clients of the existing system know it; what is not set is left out."""
    added = "" if group.added_at is None else group.added_at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    optional = {"containerConfig": group.container_config, "runtime": group.runtime, "model": group.model}
    return {
        "name": group.name,
        "folder": group.folder,
        "trigger": group.trigger or f"@{assistant_name}",
        "added_at": added,
        "requiresTrigger": group.requires_trigger,
        **{key: value for key, value in optional.items() if value is not None},
    }


def _serialize(_request: falcon.Request, response: falcon.Response, error: falcon.HTTPError) -> None:
    response.media = {"error": error.description or error.title}


def _on_store_away(
    _request: falcon.Request, _response: falcon.Response, error: StoreUnavailable, _params: object
) -> None:
    raise falcon.HTTPServiceUnavailable(description=str(error))


def _on_unknown(request: falcon.Request, response: falcon.Response, error: Exception, _params: object) -> None:
    """The server's last handler."""
    _log.error("host.request_failed", exc=error, method=request.method, path=request.path)
    response.status = falcon.HTTP_INTERNAL_SERVER_ERROR
    response.media = {"error": "an unexpected error; the host's log has it"}
