"""What a person or an operator does with a running daemon, over HTTP with nothing but the standard library."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any
from urllib.parse import quote, urlsplit

from tests.support.daemon_log import WAIT_SECONDS

_POLL_SECONDS = 10
_TIMEOUT_SECONDS = 30
_LIMIT = 500

Message = dict[str, Any]


@dataclass(frozen=True)
class Answer:
    """An HTTP answer."""

    status: int
    content_type: str
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class DaemonClient:
    """Talks to the daemon at `url`, one connection a request."""

    def __init__(self, url: str) -> None:
        self.url = url
        parts = urlsplit(url)
        assert parts.hostname is not None
        self._host, self._port = parts.hostname, parts.port

    def connect(self) -> HTTPConnection:
        """A connection for the caller to use and close."""
        return HTTPConnection(self._host, self._port, timeout=_TIMEOUT_SECONDS)

    def request(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        connection = self.connect()
        try:
            connection.request(method, path, body, dict(headers or {}))
            response = connection.getresponse()
            return Answer(response.status, response.getheader("Content-Type", ""), response.read())
        finally:
            connection.close()

    def get(self, path: str) -> Any:
        """The JSON of an answer that must be 200."""
        return _checked(self.request("GET", path))

    def post(self, path: str, value: object) -> Any:
        """The JSON of an answer that must be a success."""
        body = json.dumps(value).encode()
        return _checked(self.request("POST", path, body, {"Content-Type": "application/json"}))

    # -- chats ----------------------------------------------------------------------------------------

    def say(self, chat: str, text: str, message_id: str | None = None) -> int:
        """Write `text` into the local chat; returns the message's seq. The same id again stores nothing twice."""
        stored = self.post(f"{_path(chat)}/messages", {"text": text, "id": message_id or uuid.uuid4().hex})
        return int(stored["seq"])

    def messages(self, chat: str, after: int = 0) -> list[Message]:
        """What the chat holds after seq `after`, oldest first."""
        found: list[Message] = self.get(f"{_path(chat)}/updates?after={after}&limit={_LIMIT}")["messages"]
        return found

    def replies(self, chat: str, after: int = 0) -> list[str]:
        """The texts of the assistant after seq `after`, oldest first."""
        return [message["text"] for message in self.messages(chat, after) if message["kind"] == "bot"]

    def wait_for_replies(self, chat: str, count: int, after: int = 0, timeout_s: float = WAIT_SECONDS) -> list[str]:
        """The assistant's texts after seq `after` once there are `count`; fails at the deadline."""
        deadline = time.monotonic() + timeout_s
        texts: list[str] = []
        while len(texts) < count:
            rest = deadline - time.monotonic()
            if rest <= 0:
                raise AssertionError(f"chat {chat}: {len(texts)} of {count} replies in {timeout_s:g} s: {texts}")
            wait = min(rest, _POLL_SECONDS)
            updates = self.get(f"{_path(chat)}/updates?after={after}&wait={wait:.3f}&limit={_LIMIT}")
            texts += [message["text"] for message in updates["messages"] if message["kind"] == "bot"]
            after = updates["last_seq"]
        return texts

    def ask(self, chat: str, text: str, timeout_s: float = WAIT_SECONDS) -> str:
        """Say `text` and return the next reply."""
        return self.wait_for_replies(chat, 1, self.say(chat, text), timeout_s)[0]

    def wait_for_live_text(self, chat: str, timeout_s: float = WAIT_SECONDS) -> Message:
        """What is being written in the chat (`text`, `tool`), once something is."""
        deadline = time.monotonic() + timeout_s
        after = version = 0
        while (rest := deadline - time.monotonic()) > 0:
            wait = min(rest, _POLL_SECONDS)
            updates = self.get(f"{_path(chat)}/updates?after={after}&live={version}&wait={wait:.3f}")
            if updates["live"] is not None:
                live: Message = updates["live"]
                return live
            after, version = updates["last_seq"], updates["live_version"]
        raise AssertionError(f"chat {chat}: nothing was being written within {timeout_s:g} s")

    # -- records --------------------------------------------------------------------------------------

    def runs(self, folder: str) -> list[Message]:
        """The group's runs, oldest first."""
        found: list[Message] = self.get(f"/v1/runs?group={folder}&limit={_LIMIT}")["runs"]
        return found[::-1]

    def outbox(self, chat: str) -> list[Message]:
        """The chat's texts, oldest first."""
        found: list[Message] = self.get(f"/v1/outbox?chat={quote(f'local:{chat}')}&limit={_LIMIT}")["texts"]
        return found[::-1]


def _path(chat: str) -> str:
    return f"/v1/local/chats/{quote(chat)}"


def _checked(answer: Answer) -> Any:
    if not 200 <= answer.status < 300:
        raise AssertionError(f"HTTP {answer.status}: {answer.body.decode('utf-8', 'replace')}")
    return answer.json
