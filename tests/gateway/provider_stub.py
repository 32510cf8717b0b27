"""A provider at the wire: every connection is answered by a script, which sees the raw request and writes raw bytes."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from tests.support.waiting import DEADLINE_SECONDS, Probe, join


@dataclass(frozen=True)
class Asked:
    """A request as it arrived; header names in lower case."""

    line: str
    headers: dict[str, str]
    body: bytes


class Visit:
    """One request in a script's hands."""

    def __init__(self, connection: socket.socket, asked: Asked) -> None:
        self.asked = asked
        self._connection = connection

    def say(self, data: bytes) -> None:
        """Write these bytes now."""
        self._connection.sendall(data)

    def answer(self, status: int, body: bytes = b"{}", content_type: str = "application/json", **headers: str) -> None:
        """A whole answer; underscores in header names become hyphens."""
        lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(body)}", f"Content-Type: {content_type}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        self.say("\r\n".join([*lines, "", ""]).encode() + body)

    def start_stream(self) -> None:
        """The head of a stream of events."""
        self.say(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")

    def send_piece(self, data: bytes) -> None:
        """A chunk of it; an empty one ends it."""
        self.say(f"{len(data):x}\r\n".encode() + data + b"\r\n")

    def cut(self) -> None:
        """Break off."""
        with suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)

    def wait_for_hang_up(self) -> bool:
        """True once the other side is gone."""
        self._connection.settimeout(DEADLINE_SECONDS)
        with suppress(ConnectionError):
            return self._connection.recv(1) == b""
        return True


Script = Callable[[Visit], None]


class ProviderStub:
    """Listens on a loopback port, over TLS when it is given a context."""

    def __init__(self, script: Script, tls: ssl.SSLContext | None = None) -> None:
        self.script = script
        self.asked: Probe[Asked] = Probe()
        self.connections: Probe[int] = Probe()
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads: list[threading.Thread] = []
        self._open: list[socket.socket] = []
        port = self._listener.getsockname()[1]
        self.url = f"{'https' if tls else 'http'}://localhost:{port}"
        self._accepting = threading.Thread(target=self._accept, name="provider-stub", daemon=True)
        self._accepting.start()

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        join(self._accepting)
        for connection in self._open:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            join(thread)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            thread = threading.Thread(target=self._serve, args=(connection,), name="provider-visit", daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError), _maybe_tls(connection, self._tls) as secured:
            self._open.append(secured)
            self.connections.record(len(self._open))
            with secured.makefile("rb") as stream:
                while asked := _read(iter(stream.readline, b""), stream.read):
                    self.asked.record(asked)
                    self.script(Visit(secured, asked))


@contextmanager
def _maybe_tls(connection: socket.socket, tls: ssl.SSLContext | None) -> Iterator[socket.socket]:
    with connection:
        if tls is None:
            yield connection
        else:
            with tls.wrap_socket(connection, server_side=True) as secured:
                yield secured


def _read(lines: Iterator[bytes], read: Callable[[int], bytes]) -> Asked | None:
    first = next(lines, b"")
    if not first:
        return None
    headers = {}
    for line in lines:
        name, colon, value = line.decode().strip().partition(":")
        if not colon:
            break
        headers[name.lower()] = value.strip()
    return Asked(first.decode().strip(), headers, read(int(headers.get("content-length", 0))))
