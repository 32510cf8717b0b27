"""The wire API on the real server, over the real store on either engine (Postgres: full)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import Api, Reply, api, threads
from tests.store.conftest import engine, postgres_server, store, store_settings
from tests.wire.table import SEED

__all__ = ["Wire", "api", "engine", "postgres_server", "store", "store_settings", "threads"]


class Wire:
    """Short forms of calls to `/v1/db/*`."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.store = api.store

    def call(self, path: str, body: object = None, **headers: str) -> Reply:
        sent = {name.replace("_", "-"): text for name, text in headers.items()}
        return self.api.call("POST", f"/v1/db{path}", body, sent)

    def ask(self, path: str, body: object = None) -> Any:
        """The JSON of an answer that must be 200."""
        reply = self.call(path, body)
        assert reply.status == 200, reply
        return reply.json

    def refused(self, path: str, body: object, status: int) -> Any:
        """The problem document of an answer that must have this status."""
        reply = self.call(path, body)
        assert reply.status == status, reply
        return reply.problem

    def say(self, external_id: str, content: str, at: str, *, jid: str = "tg:-1001", is_bot: bool = False) -> None:
        self.ask(
            "/messages",
            {
                "id": external_id,
                "chat_jid": jid,
                "sender": "7",
                "sender_name": "Uma",
                "content": content,
                "timestamp": at,
                "is_bot_message": is_bot,
            },
        )

    def read_new(self, jids: list[str], time: str = "", cursor: str | None = None, prefix: str = "Ada") -> Any:
        """The answer of `/messages/new`."""
        body = {"jids": jids, "last_timestamp": time, "bot_prefix": prefix}
        return self.ask("/messages/new", body if cursor is None else body | {"cursor": cursor})

    def register(self, jid: str, folder: str, **changes: object) -> None:
        group = {"jid": jid, "name": folder, "folder": folder, "trigger": "", "added_at": "2024-01-15T09:00:00Z"}
        self.ask("/groups/set", group | changes)


@pytest.fixture
def wire(api: Api) -> Wire:
    return Wire(api)


@pytest.fixture
def seeded(wire: Wire) -> Wire:
    """The household of the table, written through the API itself."""
    for path, body in SEED:
        assert wire.ask(path, body) == {"ok": True}
    return wire


def texts(answer: Any) -> list[str]:
    """The contents in an answer with messages."""
    return [message["content"] for message in answer["messages"]]
