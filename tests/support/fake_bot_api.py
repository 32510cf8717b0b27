"""A Bot API server for tests: Telegram's rules at the wire, and answers that go wrong when a test scripts them.

Rules and wordings are those of https://core.telegram.org/bots/api as the public server applies them. The fake is itself
checked by an independent client (tests/telegram/test_fake_bot_api.py).
"""

from __future__ import annotations

import json
import socket
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

from tests.support.fake_bot_rules import (
    Refused,
    check_markup,
    check_text,
    read_buttons,
    read_document,
    read_form,
    text_as_shown,
)
from tests.support.waiting import DEADLINE_SECONDS, Probe, wait_for

TOKEN = "123456:TEST-token"
BOT = {"id": 123456, "is_bot": True, "first_name": "Amtiskaw", "username": "amtiskaw_bot"}
_NOON = 1_769_860_800


@dataclass(frozen=True)
class Answer:
    """A scripted answer: the method is not carried out."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class LoseAnswer:
    """The method is carried out and the connection breaks before the answer."""


@dataclass
class Hold:
    """The method is carried out and its answer waits until `release` is set; `reached` tells that it does."""

    reached: threading.Event = field(default_factory=threading.Event)
    release: threading.Event = field(default_factory=threading.Event)


Step = Answer | LoseAnswer | Hold


def refusal(status: int, description: str, **parameters: int) -> Answer:
    body: dict[str, Any] = {"ok": False, "error_code": status, "description": description}
    if parameters:
        body["parameters"] = parameters
    return Answer(status, json.dumps(body).encode())


def too_many_requests(seconds: int) -> Answer:
    return refusal(429, f"Too Many Requests: retry after {seconds}", retry_after=seconds)


@dataclass(frozen=True)
class Call:
    """A request as it arrived."""

    method: str
    fields: dict[str, Any]


@dataclass
class Message:
    """A message that people see."""

    chat_id: int
    message_id: int
    text: str
    buttons: list[tuple[str, str]] = field(default_factory=list)
    document: tuple[str, bytes] | None = None
    """A file's name and content; the text is its caption."""


class FakeBotApi:
    """A running server. Tests read `messages` and `answers`, wait on `calls`, and script steps with `plan`."""

    def __init__(self) -> None:
        self.calls: Probe[Call] = Probe()
        self.messages: list[Message] = []
        self.answers: dict[str, str] = {}
        self.presses: set[str] = set()
        self.blocked: set[int] = set()
        self.missing: set[int] = set()
        self._updates: list[dict[str, Any]] = []
        self._pollers = 0
        self._last_update = 0
        self._steps: dict[str, deque[Step]] = {}
        self._holds: list[Hold] = []
        self._changed = threading.Condition()
        self._sockets: set[socket.socket] = set()
        self._is_closing = False
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.fake = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="fake-bot-api")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def texts(self, chat_id: int) -> list[str]:
        """What people of the chat see, in order."""
        with self._changed:
            return [message.text for message in self.messages if message.chat_id == chat_id]

    def plan(self, method: str, *steps: Step) -> None:
        """The next calls of `method` go like this; those after them as they should."""
        with self._changed:
            self._steps.setdefault(method, deque()).extend(steps)
            self._holds += [step for step in steps if isinstance(step, Hold)]

    def write(self, chat_id: int, text: str) -> None:
        """Somebody writes in a chat: an update for who polls."""
        with self._changed:
            self._last_update += 1
            message = _rendered(Message(chat_id, 1_000 + self._last_update, text))
            self._updates.append({"update_id": self._last_update, "message": message})
            self._changed.notify_all()

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        with self._changed:
            self._is_closing = True
            self._changed.notify_all()
        for hold in self._holds:
            hold.release.set()
        self._server.shutdown()
        for connection in list(self._sockets):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._server.server_close()
        self._thread.join(DEADLINE_SECONDS)

    # -- for the handler's threads -------------------------------------------------------------------

    def connected(self, connection: socket.socket) -> None:
        self._sockets.add(connection)

    def disconnected(self, connection: socket.socket) -> None:
        self._sockets.discard(connection)

    def next_step(self, method: str) -> Step | None:
        with self._changed:
            steps = self._steps.get(method)
            return steps.popleft() if steps else None

    def carry_out(self, method: str, fields: dict[str, Any]) -> object:
        methods: dict[str, Callable[[dict[str, Any]], object]] = {
            "getme": lambda _fields: BOT,
            "sendmessage": self._send,
            "senddocument": self._send_document,
            "editmessagetext": self._edit,
            "answercallbackquery": self._answer,
            "getupdates": self._get_updates,
        }
        if method.lower() not in methods:
            raise Refused(404, "Not Found: method not found")
        with self._changed:
            return methods[method.lower()](fields)

    def _send(self, fields: dict[str, Any]) -> object:
        chat_id = self._find_chat(fields)
        message = Message(chat_id, len(self.messages) + 1, _text(fields), read_buttons(fields.get("reply_markup")))
        self.messages.append(message)
        return _rendered(message)

    def _send_document(self, fields: dict[str, Any]) -> object:
        chat_id = self._find_chat(fields)
        name, content = read_document(fields.get("document"))
        caption = str(fields.get("caption", ""))
        message = Message(chat_id, len(self.messages) + 1, caption, document=(name, content))
        self.messages.append(message)
        return _rendered(message)

    def _edit(self, fields: dict[str, Any]) -> object:
        chat_id = self._find_chat(fields)
        wanted = int(fields["message_id"])
        found = [message for message in self.messages if (message.chat_id, message.message_id) == (chat_id, wanted)]
        if not found:
            raise Refused(400, "Bad Request: message to edit not found")
        text = _text(fields)
        buttons = read_buttons(fields.get("reply_markup"))
        if (text, buttons) == (found[0].text, found[0].buttons):
            raise Refused(
                400,
                "Bad Request: message is not modified: specified new message content and reply markup are exactly "
                "the same as a current content and reply markup of the message",
            )
        found[0].text, found[0].buttons = text, buttons
        return _rendered(found[0])

    def _answer(self, fields: dict[str, Any]) -> object:
        query_id = str(fields["callback_query_id"])
        if query_id not in self.presses:
            raise Refused(400, "Bad Request: query is too old and response timeout expired or query ID is invalid")
        if len(str(fields.get("text", ""))) > 200:
            raise Refused(400, "Bad Request: MESSAGE_TOO_LONG")
        self.presses.remove(query_id)
        self.answers[query_id] = str(fields.get("text", ""))
        return True

    def _get_updates(self, fields: dict[str, Any]) -> object:
        """Confirms what lies before `offset`; waits for something to come; only one may wait."""
        if self._pollers:
            raise Refused(
                409,
                "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running",
            )
        offset = int(fields.get("offset", 0))
        self._updates = [update for update in self._updates if update["update_id"] >= offset]
        self._pollers += 1
        try:
            timeout = min(float(fields.get("timeout", 0)), DEADLINE_SECONDS)
            self._changed.wait_for(lambda: self._updates or self._is_closing, timeout)
        finally:
            self._pollers -= 1
        return self._updates[: int(fields.get("limit", 100))]

    def _find_chat(self, fields: dict[str, Any]) -> int:
        text = str(fields.get("chat_id", ""))
        if not text.lstrip("-").isdecimal() or int(text) in self.missing:
            raise Refused(400, "Bad Request: chat not found")
        if int(text) in self.blocked:
            raise Refused(403, "Forbidden: bot was blocked by the user")
        return int(text)


@contextmanager
def running_bot_api() -> Iterator[FakeBotApi]:
    fake = FakeBotApi()
    fake.start()
    try:
        yield fake
    finally:
        fake.stop()


def _text(fields: dict[str, Any]) -> str:
    text = str(fields.get("text", ""))
    check_text(text)
    if "parse_mode" in fields:
        check_markup(text)
        return text_as_shown(text)
    return text.strip()


def _rendered(message: Message) -> dict[str, Any]:
    kind = "private" if message.chat_id > 0 else "supergroup"
    return {
        "message_id": message.message_id,
        "date": _NOON,
        "chat": {"id": message.chat_id, "type": kind, "title": "Family"},
        "from": BOT,
        **_rendered_content(message),
    }


def _rendered_content(message: Message) -> dict[str, Any]:
    if message.document is None:
        return {"text": message.text}
    name, content = message.document
    file_id = f"file-{message.message_id}"
    document = {"file_id": file_id, "file_unique_id": file_id, "file_name": name, "file_size": len(content)}
    return {"document": document, "caption": message.text}


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    fake: FakeBotApi


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = DEADLINE_SECONDS
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.server.fake.connected(self.connection)

    def finish(self) -> None:
        self.server.fake.disconnected(self.connection)
        with suppress(OSError):
            super().finish()

    def handle(self) -> None:
        with suppress(ConnectionError):
            super().handle()

    def do_GET(self) -> None:
        self.do_POST()

    def do_POST(self) -> None:
        fake = self.server.fake
        prefix, _, method = self.path.partition("?")[0].removeprefix("/").partition("/")
        fields = self._read_fields()
        if prefix != f"bot{TOKEN}":
            self._write(refusal(401, "Unauthorized"))
            return
        step = fake.next_step(method)
        fake.calls.record(Call(method, fields))
        if isinstance(step, Answer):
            self._write(step)
            return
        answer = self._carry_out(method, fields)
        if isinstance(step, LoseAnswer):
            self.close_connection = True
            return
        if isinstance(step, Hold):
            step.reached.set()
            wait_for(step.release, "the held answer is released")
        self._write(answer)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""

    def _carry_out(self, method: str, fields: dict[str, Any]) -> Answer:
        try:
            result = self.server.fake.carry_out(method, fields)
        except Refused as refused:
            return refusal(refused.status, refused.description)
        return Answer(200, json.dumps({"ok": True, "result": result}).encode())

    def _read_fields(self) -> dict[str, Any]:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.headers.get_content_maintype() == "multipart":
            return read_form(self.headers["Content-Type"], body)
        if self.headers.get("Content-Type", "").startswith("application/json"):
            fields: dict[str, Any] = json.loads(body)
            return fields
        return dict(parse_qsl(body.decode(), keep_blank_values=True))

    def _write(self, answer: Answer) -> None:
        with suppress(ConnectionError):
            self.send_response(answer.status)
            for name, value in {"Content-Type": "application/json", **answer.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)
