"""`/v1/local/chats`: writing and reading the chats of this machine (`intercomd chat`)."""

from __future__ import annotations

import threading
import uuid
from datetime import timedelta

import falcon
import msgspec

from intercomd.api.requests import MAX_SEQ, query_int, query_limit, query_seconds, query_seq, read_body
from intercomd.api.views import chat_view, updates_view
from intercomd.channels.local import LocalChannel, local_jid
from intercomd.errors import InvalidInput

MAX_WAIT_SECONDS = 30.0
_MAX_ID = 128
_MAX_SENDER = 64


class NewLocalMessage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of `POST /v1/local/chats/{name}/messages`. Repeating a request with the same `id` stores nothing twice."""

    text: str
    id: str | None = None
    sender_name: str = "You"


class ChatsResource:
    """The local chats, newest message first."""

    def __init__(self, channel: LocalChannel) -> None:
        self._channel = channel

    def on_get(self, _request: falcon.Request, response: falcon.Response) -> None:
        response.media = {"chats": [chat_view(chat) for chat in self._channel.list_chats()]}


class MessagesResource:
    """Write a text; read the newest ones."""

    def __init__(self, channel: LocalChannel) -> None:
        self._channel = channel

    def on_get(self, request: falcon.Request, response: falcon.Response, name: str) -> None:
        response.media = updates_view(self._channel.recent(name, query_limit(request)))

    def on_post(self, request: falcon.Request, response: falcon.Response, name: str) -> None:
        body = read_body(request, NewLocalMessage)
        for field, text, limit in (("id", body.id or "", _MAX_ID), ("sender_name", body.sender_name, _MAX_SENDER)):
            if len(text) > limit:
                raise InvalidInput(field, f"has {len(text)} characters; at most {limit} are allowed")
        external_id = uuid.uuid4().hex if body.id is None else body.id
        stored = self._channel.receive(name, body.text, external_id, body.sender_name)
        response.media = {
            "jid": local_jid(name),
            "seq": stored.seq,
            "kind": stored.kind,
            "is_new": stored.is_new,
            "folder": stored.folder,
        }


class UpdatesResource:
    """What came after `after`; with `wait` seconds it waits for something to come, or for the live text to change
    from version `live`. At most `waiters` requests wait, so that workers stay free; the others answer at once."""

    def __init__(self, channel: LocalChannel, waiters: int) -> None:
        self._channel = channel
        self._waiting = threading.BoundedSemaphore(waiters) if waiters > 0 else None

    def on_get(self, request: falcon.Request, response: falcon.Response, name: str) -> None:
        after = query_seq(request, "after")
        wait = query_seconds(request, "wait", MAX_WAIT_SECONDS)
        limit = query_limit(request)
        if wait and self._waiting and self._waiting.acquire(blocking=False):
            try:
                seen_live = query_int(request, "live", 0, 0, MAX_SEQ)
                found = self._channel.wait_updates(name, after, seen_live, timedelta(seconds=wait), limit)
            finally:
                self._waiting.release()
        else:
            found = self._channel.updates(name, after, limit)
        response.media = updates_view(found)
