"""The HTTP server: Waitress in a thread of its own, started and stopped as one thing.

Waitress 3.0.2 must be stopped from inside its loop: `close()` from another thread leaves the loop to an idle
keep-alive client and cuts replies. So `stop` hands the work to the loop through the listener's trigger. The trigger
stays open when a worker does not end in time: it may still pull it, and the number of its file could be another
file's by then.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from wsgiref.types import WSGIApplication

from waitress import wasyncore
from waitress.adjustments import Adjustments

from intercomd.api.access import over_unix_socket
from intercomd.api.binding import open_listener, url_of
from intercomd.api.connections import TcpListener, UnixListener
from intercomd.api.lanes import Lanes
from intercomd.api.waitress_log import WaitressLog
from intercomd.logs import EventLog
from intercomd.settings.values import BindAddress

_LOOP_SECONDS = 1.0
_DRAIN_STEP_SECONDS = 0.02
_END_SECONDS = 1.0
_MAX_CONNECTIONS = 500

_log = EventLog("api")


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """`threads` work on requests, probes have others; bodies above `max_body_bytes` are refused with 413; a
    connection without traffic is closed after `client_timeout`."""

    threads: int = 8
    max_body_bytes: int = 1024 * 1024
    client_timeout: timedelta = timedelta(seconds=30)


class ApiServer:
    """Serves `app` at `bind`; port 0 takes a free one."""

    def __init__(
        self, app: WSGIApplication, bind: BindAddress, options: ServerOptions, release_waiting: Callable[[], None]
    ) -> None:
        """`release_waiting` makes requests that wait for news answer at once; `stop` calls it first."""
        self._app = app
        self._bind = bind
        self._options = options
        self._release_waiting = release_waiting
        self._sockets: dict[int, Any] = {}
        self._lanes: Lanes | None = None
        self._listener: Any = None
        self._url = bind.text
        self._log = WaitressLog()
        self._loop = threading.Thread(target=self._run, name="api-loop", daemon=True)
        self._is_draining = False
        self._drain_deadline = 0.0

    @property
    def url(self) -> str:
        """`http://HOST:PORT` or `unix:PATH`, with the real port once the server has started."""
        return self._url

    def start(self) -> None:
        """Listen; returns when connections are taken. Raises `ListenError`, and then nothing is left behind."""
        socket = open_listener(self._bind)
        self._url = url_of(self._bind, socket)
        self._log.attach()
        self._lanes = Lanes(self._options.threads)
        is_unix = self._bind.host is None
        self._listener = (UnixListener if is_unix else TcpListener)(
            over_unix_socket(self._app) if is_unix else self._app,
            self._sockets,
            True,
            socket,
            dispatcher=self._lanes,
            adj=Adjustments(
                sockets=[socket],
                threads=self._options.threads,
                ident="intercomd",
                max_request_body_size=self._options.max_body_bytes + 1,
                connection_limit=_MAX_CONNECTIONS,
                channel_timeout=max(1, int(self._options.client_timeout.total_seconds())),
                cleanup_interval=5,
                log_socket_errors=False,
            ),
            bind_socket=False,
            sockinfo=(socket.family, socket.type, socket.proto, socket.getsockname()),
        )
        self._loop.start()
        _log.info("api.listening", url=self.url)

    def stop(self, grace: timedelta) -> bool:
        """Take no more connections, let requests in flight finish within `grace`, close what idles, end.

        False when workers are still busy with requests that were cut off: call it again to free what they hold.
        Nothing happens when the server never started or has stopped.
        """
        if self._lanes is None:
            return True
        self._release_waiting()
        self._drain_deadline = time.monotonic() + grace.total_seconds()
        self._listener.trigger.pull_trigger(self._begin_drain)
        self._loop.join(grace.total_seconds() + _END_SECONDS)
        has_ended = self._lanes.shutdown(_END_SECONDS) and not self._loop.is_alive()
        if has_ended:
            self._listener.trigger.close()
            self._lanes = None
        if self._bind.socket_path is not None:
            self._bind.socket_path.unlink(missing_ok=True)
        self._log.detach()
        _log.info("api.stopped", finished=has_ended)
        return has_ended

    def _run(self) -> None:
        """The loop's thread."""
        while not self._is_drained():
            timeout = _DRAIN_STEP_SECONDS if self._is_draining else _LOOP_SECONDS
            wasyncore.loop(timeout=timeout, use_poll=True, map=self._sockets, count=1)
        for connection in self._connections():
            connection.cut()

    def _begin_drain(self) -> None:
        """In the loop's thread. Not the listener's own `close`, which would take the trigger along."""
        self._listener.is_draining = True
        wasyncore.dispatcher.close(self._listener)
        self._is_draining = True

    def _is_drained(self) -> bool:
        """In the loop's thread; also closes connections that have become idle."""
        if not self._is_draining:
            return False
        connections = self._connections()
        for connection in connections:
            connection.close_when_idle()
        return not connections or time.monotonic() >= self._drain_deadline

    def _connections(self) -> list[Any]:
        return list(self._listener.active_channels.values())
