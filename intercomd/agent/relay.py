"""A loopback port that is the model gateway's unix socket: bytes both ways, as they come.

The agent programs speak HTTP to a port only, and a sandbox without network has none but its own.
"""

from __future__ import annotations

import socket
import threading
from contextlib import suppress

_CHUNK_BYTES = 1 << 16
_BACKLOG = 32


class Relay:
    """Listens from the start until the process ends."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen(_BACKLOG)
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, name="relay", daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def close(self) -> None:
        """Take no further connection; those that are open end with their clients."""
        try:
            self._listener.shutdown(socket.SHUT_RDWR)
        finally:
            self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            gateway = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                gateway.connect(self._path)
            except OSError:
                gateway.close()
                client.close()
                continue
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            _Link(client, gateway)


class _Link:
    """One connection: a thread for each direction, the last one closes both ends."""

    def __init__(self, client: socket.socket, gateway: socket.socket) -> None:
        self._ends = (client, gateway)
        self._guard = threading.Lock()
        self._open_directions = 2
        for source, target in (self._ends, self._ends[::-1]):
            threading.Thread(target=self._carry, args=(source, target), name="relay link", daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket) -> None:
        """Until `source` says no more, which `target` is told; a broken direction breaks the other one, too."""
        try:
            while data := source.recv(_CHUNK_BYTES):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            self._break()
        with self._guard:
            self._open_directions -= 1
            is_last = self._open_directions == 0
        if is_last:
            for end in self._ends:
                end.close()

    def _break(self) -> None:
        for end in self._ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
