"""A provider of models at the wire: what `claude`, `codex` and `gemini` talk to, scripted by the test.

with FakeProvider() as provider:
    provider.script(Call("Bash", {"command": "ls"}), Say("done"))   # for the next two requests, then `otherwise`
    ...                                                            # a program whose base URL is provider.url
    assert "notes.txt" in provider.requests[1].text
"""

from __future__ import annotations

import json
import socket
import threading
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from tests.support.provider_formats import dialect_of
from tests.support.waiting import Probe


@dataclass(frozen=True)
class Say:
    """Answer with `text`, streamed in as many pieces as given."""

    text: str
    pieces: int = 1


@dataclass(frozen=True)
class Call:
    """Ask for a tool, by the name it was offered under or an end of it."""

    tool: str
    arguments: Mapping[str, object]


@dataclass(frozen=True)
class Refuse:
    """Answer with this status and the provider's own form of an error."""

    status: int
    message: str = "refused by the test"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Drop:
    """Begin an answer with `text`, then close the connection."""

    text: str = ""


@dataclass(frozen=True)
class Hang:
    """Begin an answer with `text` and say nothing more until the provider is closed."""

    text: str = ""


@dataclass(frozen=True)
class Wait:
    """Answer with `text` once `released` is set."""

    released: threading.Event
    text: str


Step = Say | Call | Refuse | Drop | Hang | Wait


@dataclass(frozen=True)
class Request:
    """A request as it arrived."""

    path: str
    headers: Mapping[str, str]
    body: Any

    @property
    def text(self) -> str:
        """The whole body, to search in."""
        return json.dumps(self.body, ensure_ascii=False)

    @property
    def tools(self) -> list[str]:
        """The names of the tools that the model was offered."""
        return dialect_of(self.path).tools(self.body)


class FakeProvider:
    """Listens on a free loopback port from the start until `close`; speaks the dialect of the path it is asked at."""

    def __init__(self) -> None:
        self.arrived: Probe[Request] = Probe()
        self.otherwise: Step = Say("nothing was scripted")
        self._steps: deque[Step] = deque()
        self._guard = threading.Lock()
        self.closing = threading.Event()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.provider = self
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.01,), name="fake-provider", daemon=True
        )
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def requests(self) -> list[Request]:
        """Those for an answer of the model, in order."""
        return self.arrived.values

    def script(self, *steps: Step) -> None:
        """What becomes of the next requests, one after the other."""
        with self._guard:
            self._steps.extend(steps)

    def next_step(self, request: Request) -> Step:
        with self._guard:
            step = self._steps.popleft() if self._steps else self.otherwise
        self.arrived.record(request)
        return step

    def close(self) -> None:
        self.closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _Server(ThreadingHTTPServer):
    provider: FakeProvider
    daemon_threads = False
    request_queue_size = 64

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away in the middle is what some tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 1.0
    server: _Server

    def do_GET(self) -> None:
        self._answer_json(404, {"error": {"message": "not here"}})

    def do_HEAD(self) -> None:
        self._answer_json(404, {})

    def do_POST(self) -> None:
        size = int(self.headers.get("Content-Length", "0"))
        body = json.loads(self.rfile.read(size) or b"{}")
        path = self.path.partition("?")[0]
        if path.endswith(("/count_tokens", ":countTokens")):
            self._answer_json(200, {"input_tokens": 7, "totalTokens": 7})
            return
        request = Request(path, {name.lower(): value for name, value in self.headers.items()}, body)
        dialect = dialect_of(path)
        match self.server.provider.next_step(request):
            case Say(text, pieces):
                self._send_events(dialect.say(body, _cut(text, pieces)))
            case Call(tool, arguments):
                name = next(offered for offered in dialect.tools(body) if offered.endswith(tool))
                self._send_events(dialect.call(body, name, arguments))
            case Wait(released, text):
                self._hold(released)
                self._send_events(dialect.say(body, [text]))
            case Refuse(status, message, headers):
                self._answer_json(status, dialect.error(status, message), headers)
            case Drop(text):
                self._send_events(dialect.begin(body, text))
                self.connection.shutdown(socket.SHUT_RDWR)
            case Hang(text):
                self._send_events(dialect.begin(body, text))
                self._hold(self.server.provider.closing)

    def log_message(self, *_: object) -> None:
        """Quiet."""

    def _hold(self, event: threading.Event) -> None:
        """Until `event`, the provider's end, or the client's."""
        self.close_connection = True
        self.connection.settimeout(0.02)
        while not event.is_set() and not self.server.provider.closing.is_set():
            with suppress(TimeoutError):
                if not self.connection.recv(1, socket.MSG_PEEK):
                    return
                event.wait(0.02)
        self.connection.settimeout(self.timeout)

    def _send_events(self, events: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        for event in events.split(b"\n\n"):
            if event:
                self.wfile.write(event + b"\n\n")
                self.wfile.flush()

    def _answer_json(self, status: int, body: object, headers: Mapping[str, str] | None = None) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)


def _cut(text: str, pieces: int) -> list[str]:
    """`text` in as many parts, all but the last of the same length."""
    size = max(1, -(-len(text) // pieces))
    return [text[start : start + size] for start in range(0, len(text), size)] or [""]
