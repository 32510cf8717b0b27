"""Waitress' connections as we need them: errors as problem+json, a goodbye that arrives, and a polite end.

Waitress calls these methods in its loop's thread, but for `build_response_header` and `execute` (a worker's thread).
Facts about Waitress are those of 3.0.2.
"""

from __future__ import annotations

import socket

from waitress.channel import HTTPChannel
from waitress.server import TcpWSGIServer, UnixWSGIServer
from waitress.task import ErrorTask, WSGITask

from intercomd.api.problem import CONTENT_TYPE, render_problem

_LINGER_BYTES = 32 * 1024 * 1024


class _Answer(WSGITask):  # type: ignore[misc]
    """A request for the application; while the server drains, its answer announces the end of the connection."""

    def build_response_header(self) -> bytes:
        if self.channel.server.is_draining:
            self.set_close_on_finish()
        header: bytes = super().build_response_header()
        return header


class _Refusal(ErrorTask):  # type: ignore[misc]
    """A request that Waitress itself refuses: unreadable, headers or body too large."""

    def execute(self) -> None:
        error = self.request.error
        body = render_problem(error.code, str(error.body), error=str(error.body))
        self.status = f"{error.code} {error.reason}"
        self.response_headers.append(("Content-Type", CONTENT_TYPE))
        self.set_close_on_finish()
        self.content_length = len(body)
        self.channel.is_refused = True
        self.write(body)


class Connection(HTTPChannel):  # type: ignore[misc]
    """A client's connection."""

    task_class = _Answer
    error_task_class = _Refusal
    is_refused = False
    """Set by a refusal: the client may still be sending a body that nobody wants."""
    _linger_left: int | None = None

    def close_when_idle(self) -> None:
        """End it once nothing is in flight and everything written has left."""
        with self.requests_lock:
            if not self.requests and self.request is None:
                self.close_when_flushed = True

    def cut(self) -> None:
        """End it now, whatever is in flight."""
        self.is_refused = False
        self.handle_close()

    def handle_close(self) -> None:
        """A refused client gets to read why: closing with its body unread would reset the connection, and a reset
        takes the answer with it. So the sending half is closed first, and what still comes is thrown away."""
        if self.is_refused and self.connected and self._linger_left is None:
            self._linger_left = _LINGER_BYTES
            self.will_close = False
            try:
                self.socket.shutdown(socket.SHUT_WR)
                return
            except OSError:
                pass  # the client is gone already
        super().handle_close()

    def handle_read(self) -> None:
        if self._linger_left is None:
            super().handle_read()
            return
        try:
            self._linger_left -= len(self.recv(self.adj.recv_bytes))
        except OSError:
            self._linger_left = 0
        if self._linger_left <= 0:
            super().handle_close()


class TcpListener(TcpWSGIServer):  # type: ignore[misc]
    channel_class = Connection
    is_draining = False


class UnixListener(UnixWSGIServer):  # type: ignore[misc]
    channel_class = Connection
    is_draining = False
