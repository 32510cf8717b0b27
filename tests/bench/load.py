"""A load generator as a process of its own: `python -m tests.bench.load PORT PATH …` prints what it measured as JSON.

Keep-alive connections, one request at a time on each; the answers are told apart by their `Content-Length` alone, so
that a request costs the generator a small part of what it costs the server.
"""

from __future__ import annotations

import argparse
import json
import selectors
import socket
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from urllib.parse import urlsplit

_TIMEOUT_S = 30.0
_CHUNK = 65_536
_END_OF_HEAD = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Load:
    """What a burst of requests came to."""

    per_second: float
    p50_ms: float
    p99_ms: float
    refused: int
    """Answers other than 200."""


@dataclass(frozen=True, slots=True)
class Burst:
    """`pause_s` is how long a connection rests between an answer and its next request."""

    url: str
    path: str
    seconds: float
    connections: int = 4
    pause_s: float = 0.0

    def run(self) -> Load:
        """Send it from a process of its own."""
        options = [f"--{name}={value}" for name, value in asdict(self).items()]
        command = (sys.executable, "-m", "tests.bench.load", *options)
        done = subprocess.run(command, capture_output=True, check=True, timeout=self.seconds + _TIMEOUT_S)
        return Load(**json.loads(done.stdout))


class _Connection:
    """One socket with one request in flight."""

    def __init__(self, burst: Burst) -> None:
        parts = urlsplit(burst.url)
        self.socket = socket.create_connection((parts.hostname, parts.port), _TIMEOUT_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._request = f"GET {burst.path} HTTP/1.1\r\nHost: {parts.netloc}\r\n\r\n".encode()
        self._received = b""
        self.sent_at = 0.0

    def send(self) -> None:
        self._received = b""
        self.sent_at = time.monotonic()
        self.socket.sendall(self._request)

    def receive(self) -> int | None:
        """The status once the answer is complete."""
        chunk = self.socket.recv(_CHUNK)
        if not chunk:
            raise ConnectionError("the server closed a connection that was to be kept")
        self._received += chunk
        head, end, body = self._received.partition(_END_OF_HEAD)
        if not end or len(body) < _content_length(head):
            return None
        return int(head.split(b" ", 2)[1])


def send(burst: Burst) -> Load:
    """Keep every connection busy until the time is over."""
    took: list[float] = []
    refused = 0
    resting: list[tuple[float, _Connection]] = []
    began = time.monotonic()
    end = began + burst.seconds
    with selectors.DefaultSelector() as selector:
        for _ in range(burst.connections):
            connection = _Connection(burst)
            selector.register(connection.socket, selectors.EVENT_READ, connection)
            connection.send()
        while (now := time.monotonic()) < end:
            while resting and resting[0][0] <= now:
                resting.pop(0)[1].send()
            for key, _ in selector.select((resting[0][0] if resting else end) - now):
                status = key.data.receive()
                if status is None:
                    continue
                now = time.monotonic()
                took.append((now - key.data.sent_at) * 1e3)
                refused += status != 200
                if burst.pause_s:
                    resting.append((now + burst.pause_s, key.data))
                else:
                    key.data.send()
        seconds = time.monotonic() - began
        for entry in list(selector.get_map().values()):
            entry.data.socket.close()
    took.sort()
    return Load(len(took) / seconds, took[len(took) // 2], took[len(took) * 99 // 100], refused)


def _content_length(head: bytes) -> int:
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    raise ValueError("an answer without Content-Length")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.load", description=__doc__)
    parser.add_argument("--url", required=True)
    parser.add_argument("--path", required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--connections", type=int, required=True)
    parser.add_argument("--pause_s", type=float, required=True)
    print(json.dumps(asdict(send(Burst(**vars(parser.parse_args()))))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
