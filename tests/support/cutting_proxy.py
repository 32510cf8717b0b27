"""A proxy in front of Postgres that breaks connections where it hurts: around a COMMIT.

It reads what clients send as protocol messages (postgresql.org/docs/current/protocol-message-formats.html), so it
knows which of them execute a COMMIT.
"""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum, auto

from tests.support.waiting import DEADLINE_SECONDS, join

_READY = b"Z\x00\x00\x00\x05"
"""ReadyForQuery, up to its status byte: all that was asked before is done."""


class Fault(Enum):
    """What happens next; the first two happen once, the others until `heal`."""

    LOSE_COMMIT = auto()
    """The COMMIT never reaches the server, and the connection is gone."""
    LOSE_ANSWER = auto()
    """The server commits, and the connection is gone before its answer arrives."""
    STALL = auto()
    """Nothing is passed on in either direction, connections stay open."""
    REFUSE = auto()
    """New connections are closed at once, present ones are cut."""


class CuttingProxy:
    """Listens on a free loopback port and passes on to `upstream` until told to break."""

    def __init__(self, upstream: tuple[str, int]) -> None:
        self._upstream = upstream
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._guard = threading.Lock()
        self._fault: Fault | None = None
        self._links: list[_Link] = []
        self._moving = threading.Event()
        self._moving.set()
        self.has_cut = threading.Event()
        self._thread = threading.Thread(target=self._accept, name="cutting-proxy", daemon=True)
        self._thread.start()

    def arm(self, fault: Fault) -> None:
        """Break as `fault` says from now on; a fault of COMMIT waits for the next one."""
        self.has_cut.clear()
        with self._guard:
            self._fault = fault
            links = list(self._links)
        if fault is Fault.STALL:
            self._moving.clear()
        if fault is Fault.REFUSE:
            for link in links:
                link.cut()

    def heal(self) -> None:
        """Pass everything on again."""
        with self._guard:
            self._fault = None
        self._moving.set()

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        join(self._thread)
        self.heal()
        for link in list(self._links):
            link.cut()
            link.join()

    def is_armed(self, fault: Fault) -> bool:
        return self._fault is fault

    def note_cut(self) -> None:
        """A link is about to break as it was told to; the next connection works again."""
        self.heal()
        self.has_cut.set()

    def wait_until_moving(self) -> None:
        """Return once nothing stalls."""
        self._moving.wait(DEADLINE_SECONDS)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self.is_armed(Fault.REFUSE):
                client.close()
                continue
            try:
                server = socket.create_connection(self._upstream, DEADLINE_SECONDS)
            except OSError:
                client.close()
                continue
            server.settimeout(None)
            for end in (client, server):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._guard:
                self._links.append(_Link(self, client, server))


class _Link:
    """One client's connection and the two threads that carry it."""

    def __init__(self, proxy: CuttingProxy, client: socket.socket, server: socket.socket) -> None:
        self._proxy = proxy
        self._client = client
        self._server = server
        self._cuts_at_answer = threading.Event()
        self._threads = [
            threading.Thread(target=self._carry_requests, name="proxy-requests", daemon=True),
            threading.Thread(target=self._carry_answers, name="proxy-answers", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def cut(self) -> None:
        for end in (self._client, self._server):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def join(self) -> None:
        for thread in self._threads:
            join(thread)
        self._client.close()
        self._server.close()

    def _carry_requests(self) -> None:
        watch = CommitWatch()
        with suppress(OSError):
            while data := self._client.recv(65536):
                self._proxy.wait_until_moving()
                if watch.feed(data):
                    if self._proxy.is_armed(Fault.LOSE_COMMIT):
                        self._proxy.note_cut()
                        self.cut()
                        return
                    if self._proxy.is_armed(Fault.LOSE_ANSWER):
                        self._cuts_at_answer.set()
                self._server.sendall(data)
        self.cut()

    def _carry_answers(self) -> None:
        withheld = b""
        with suppress(OSError):
            while data := self._server.recv(65536):
                self._proxy.wait_until_moving()
                if not self._cuts_at_answer.is_set():
                    self._client.sendall(data)
                    continue
                withheld = (withheld + data)[-6:]
                if withheld[:5] == _READY:
                    self._proxy.note_cut()
                    self.cut()
                    return
        self.cut()


@dataclass
class CommitWatch:
    """Reads a client's side of the protocol and says when it executes a COMMIT."""

    _buffer: bytearray = field(default_factory=bytearray)
    _is_logged_in: bool = False
    _statements: dict[bytes, bytes] = field(default_factory=dict)

    def feed(self, data: bytes) -> bool:
        """True when `data` completes a message that executes a COMMIT."""
        self._buffer += data
        executed = [self._is_commit(kind, body) for kind, body in self._messages()]
        return any(executed)

    def _messages(self) -> Iterator[tuple[bytes, bytes]]:
        while True:
            start = 1 if self._is_logged_in else 0
            if len(self._buffer) < start + 4:
                return
            (length,) = struct.unpack_from("!i", self._buffer, start)
            if len(self._buffer) < start + length:
                return
            yield bytes(self._buffer[:start]), bytes(self._buffer[start + 4 : start + length])
            del self._buffer[: start + length]
            self._is_logged_in = True

    def _is_commit(self, kind: bytes, body: bytes) -> bool:
        if kind == b"P":
            name, text, *_ = body.split(b"\0")
            self._statements[name] = text
        if kind == b"B":
            _, name, *_ = body.split(b"\0")
            return self._statements.get(name) == b"COMMIT"
        return False


@contextmanager
def cutting_proxy(upstream: tuple[str, int]) -> Iterator[CuttingProxy]:
    """A proxy for the time of the block."""
    proxy = CuttingProxy(upstream)
    try:
        yield proxy
    finally:
        proxy.close()
