"""One local chat over HTTP: writing, reading, and knowing when a text has its outcome."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from intercomd.cli.client import DEFAULT_TIMEOUT_S, DaemonClient, path_word

BOT = "bot"
_PATH = "/v1/local/chats"
_NOTICE = "notice"
_OPEN_STATES = frozenset({"pending", "sending"})
_OUTBOX_ID = "outbox:"
_PAGE = 500


@dataclass(frozen=True, slots=True)
class Line:
    """A message as the daemon gives it; `kind` is request, context, command or bot."""

    seq: int
    message_id: str
    sender_name: str
    text: str
    kind: str


@dataclass(frozen=True, slots=True)
class Page:
    """New messages, what is being written, and where to read on from."""

    lines: tuple[Line, ...]
    live_text: str
    live_tool: str | None
    live_version: int
    last_seq: int


@dataclass(frozen=True, slots=True)
class Sent:
    """A text that is in the store. `folder` is its group, None in a chat that is none."""

    seq: int
    kind: str
    folder: str | None


class LocalChat:
    """A chat by its name."""

    def __init__(self, daemon: DaemonClient, name: str) -> None:
        self.name = name
        self._daemon = daemon
        self._path = f"{_PATH}/{path_word(name)}"

    def send(self, text: str) -> Sent:
        body = {"text": text, "id": uuid.uuid4().hex}
        answer = self._daemon.post(f"{self._path}/messages", body)
        return Sent(answer["seq"], answer["kind"], answer["folder"])

    def recent(self, limit: int) -> Page:
        return _page(self._daemon.get(f"{self._path}/messages", limit=limit))

    def after(self, seq: int) -> Page:
        return _page(self._daemon.get(f"{self._path}/updates", after=seq, limit=_PAGE))

    def wait(self, seq: int, live_version: int, seconds: float) -> Page:
        """What comes after `seq`, or a live text other than this version; nothing new after `seconds`."""
        answer = self._daemon.get(
            f"{self._path}/updates",
            timeout_s=seconds + DEFAULT_TIMEOUT_S,
            after=seq,
            live=live_version,
            wait=f"{seconds:.3f}",
            limit=_PAGE,
        )
        return _page(answer)

    def is_settled(self, sent: Sent) -> bool:
        """Whether the text has its outcome and every reply to it stands in the chat. A command is settled with its
        reply, which the caller has to look for."""
        if sent.kind == "request":
            group = self._daemon.get(f"/v1/groups/{path_word(sent.folder or '')}")
            if group["settled_seq"] < sent.seq:
                return False
        return not any(row["state"] in _OPEN_STATES for row in self._outbox())

    def notices(self, lines: tuple[Line, ...]) -> frozenset[int]:
        """The positions of those messages that say that a request failed."""
        notices = {_OUTBOX_ID + row["outbox_id"] for row in self._outbox() if row["kind"] == _NOTICE}
        return frozenset(line.seq for line in lines if line.message_id in notices)

    def _outbox(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self._daemon.get("/v1/outbox", chat=f"local:{self.name}")["texts"]
        return rows


def list_chat_names(daemon: DaemonClient) -> list[str]:
    """The local chats, newest message first."""
    return [chat["name"] for chat in daemon.get(_PATH)["chats"]]


def _page(answer: dict[str, Any]) -> Page:
    lines = tuple(
        Line(message["seq"], message["id"], message["sender_name"], message["text"], message["kind"])
        for message in answer["messages"]
    )
    live = answer["live"] or {"text": "", "tool": None}
    return Page(lines, live["text"], live["tool"], answer["live_version"], answer["last_seq"])
