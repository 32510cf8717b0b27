"""A host as the daemon sees it over the wire: the existing Node host, with one channel that takes every text.

host = FakeHost()
host.script(Refuse(500, "No channel for JID: 1@g.us"), Drop())   # for the next two texts; then it accepts again
assert host.wait_for_texts("1@g.us", 1) == ["hello"]
host.close()
"""

from __future__ import annotations

import json
import threading
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from tests.support.daemon_log import WAIT_SECONDS


@dataclass(frozen=True)
class Refuse:
    """Answer with this status and `{"error": error}`; the text is not shown."""

    status: int
    error: str


@dataclass(frozen=True)
class Drop:
    """Read the request, show the text when `shows`, and close the connection without an answer."""

    shows: bool = False


@dataclass(frozen=True)
class Hang:
    """Read the request and say nothing until the host is closed."""


@dataclass(frozen=True)
class Wait:
    """Answer once `released` is set."""

    released: threading.Event


@dataclass(frozen=True)
class Drip:
    """Answer one byte after the other, and never finish; ends when the client or the host closes."""


Step = Refuse | Drop | Hang | Wait | Drip
_DRIP_SECONDS = 0.02


class FakeHost:
    """Listens from the start until `close`, on `port` or any free one."""

    def __init__(self, port: int = 0) -> None:
        self._changed = threading.Condition()
        self._shown: list[dict[str, Any]] = []
        self._asked: list[dict[str, Any]] = []
        self._steps: deque[Step] = deque()
        self._closing = threading.Event()
        self._server = _Server(("127.0.0.1", port), _Handler)
        self._server.host = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), name="fake-host", daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def script(self, *steps: Step) -> None:
        """What becomes of the next texts, one after the other."""
        with self._changed:
            self._steps.extend(steps)

    @property
    def shown(self) -> list[dict[str, Any]]:
        """The bodies whose text was shown, in order."""
        with self._changed:
            return list(self._shown)

    @property
    def asked(self) -> list[dict[str, Any]]:
        """Every body that arrived, in order."""
        with self._changed:
            return list(self._asked)

    def wait_for_texts(self, chat_jid: str, count: int, timeout_s: float = WAIT_SECONDS) -> list[str]:
        """The texts shown in a chat once there are `count`; fails at the deadline."""
        with self._changed:
            if not self._changed.wait_for(lambda: len(self._texts(chat_jid)) >= count, timeout_s):
                raise AssertionError(f"{chat_jid}: not {count} texts in {timeout_s:g} s: {self._texts(chat_jid)}")
            return self._texts(chat_jid)

    def close(self) -> None:
        self._closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def is_closing(self, within_s: float) -> bool:
        return self._closing.wait(within_s)

    def take(self, body: dict[str, Any]) -> Step | None:
        """A text has arrived; what the script says about it, None for showing it."""
        with self._changed:
            step = self._steps.popleft() if self._steps else None
            self._asked.append(body)
            if step is None or isinstance(step, Wait) or (isinstance(step, Drop) and step.shows):
                self._shown.append(body)
            self._changed.notify_all()
        if isinstance(step, Hang):
            self._closing.wait(WAIT_SECONDS)
        if isinstance(step, Wait):
            step.released.wait(WAIT_SECONDS)
        return step

    def _texts(self, chat_jid: str) -> list[str]:
        return [body["text"] for body in self._shown if body["chat_jid"] == chat_jid]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    host: FakeHost


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path != "/v1/ipc/send-message":
            self._answer(404, {"error": f"Unknown route: {self.path}"})
            return
        match self.server.host.take(body):
            case None | Wait():
                self._answer(200, {"status": "ok"})
            case Refuse(status, error):
                self._answer(status, {"error": error})
            case Drop() | Hang():
                self.close_connection = True
            case Drip():
                self._drip()

    def _drip(self) -> None:
        self.close_connection = True
        with suppress(OSError):
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
            while not self.server.host.is_closing(_DRIP_SECONDS):
                self.wfile.write(b" ")

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def _answer(self, status: int, document: object) -> None:
        content = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
