"""Connections to a provider: verified TLS, deadlines on every wait, kept open for the next request.

Plain HTTP is spoken to this machine only (tests, local model servers): a credential never crosses a wire unencrypted.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from select import POLLIN, POLLOUT, poll
from socket import IPPROTO_TCP, TCP_NODELAY, create_connection, socket
from threading import Lock
from urllib.parse import urlsplit

import h11

from intercomd.gateway.errors import CertificateRefused, StoppedReading, UpstreamFailed

_CONNECT_SECONDS = 10.0
_MOST_HEAD_BYTES = 64 * 1024
_MOST_IDLE = 8
_PIECE_BYTES = 64 * 1024
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})

Wait = Callable[[socket, int], None]
"""Returns once the socket is ready for the events of its poll mask; raises at its deadline, or when nobody waits for
the answer any more."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a provider answers: scheme, host, port, and what stands before every path."""

    is_tls: bool
    host: str
    port: int
    prefix: str

    @classmethod
    def parse(cls, url: str) -> Endpoint:
        """Raises `ValueError` with what is allowed."""
        parts = urlsplit(url)
        port = parts.port  # raises ValueError for what is no port
        is_tls = parts.scheme == "https"
        is_allowed = is_tls or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
        if not is_allowed or not parts.hostname or parts.username is not None or parts.query or parts.fragment:
            raise ValueError("must be https://HOST[:PORT][/PATH], or http:// on 127.0.0.1, [::1] or localhost")
        return cls(is_tls, parts.hostname, port or (443 if is_tls else 80), parts.path.rstrip("/"))

    @property
    def authority(self) -> str:
        """The value of the Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.is_tls else 80) else f"{host}:{self.port}"


class Line:
    """One connection, used for one request at a time. Its socket does not block: `wait` does, and may break off."""

    def __init__(self, endpoint: Endpoint, context: ssl.SSLContext | None) -> None:
        """Connect; raises `UpstreamFailed` within the deadline."""
        self._socket = _connect(endpoint, context)
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=_MOST_HEAD_BYTES)

    def send(self, event: h11.Event, wait: Wait) -> None:
        """Raises `StoppedReading` when the provider takes no more."""
        rest = memoryview(self._http.send(event) or b"")
        while rest:
            try:
                rest = rest[self._socket.send(rest) :]
            except (BlockingIOError, ssl.SSLWantWriteError):
                wait(self._socket, POLLOUT)
            except ssl.SSLWantReadError:
                wait(self._socket, POLLIN)
            except OSError as error:
                raise StoppedReading(f"the provider stopped reading: {describe(error)}") from error

    def next_event(self, wait: Wait) -> h11.Event:
        """The next part of the answer; raises `UpstreamFailed` when the provider breaks off or speaks no HTTP."""
        try:
            while True:
                event = self._http.next_event()
                if event is h11.NEED_DATA:
                    self._http.receive_data(self._receive(wait))
                elif isinstance(event, h11.Event):
                    return event
                else:
                    raise UpstreamFailed("the provider said more than one answer")
        except h11.RemoteProtocolError as error:
            raise UpstreamFailed(f"the provider broke off: {error}") from error

    def start_next(self) -> bool:
        """Get ready for a further request; False when a side is not done, or said that it closes."""
        if self._http.our_state is not h11.DONE or self._http.their_state is not h11.DONE:
            return False
        self._http.start_next_cycle()
        return self.is_quiet

    @property
    def is_quiet(self) -> bool:
        """Nothing came, the other side's goodbye included."""
        watch = poll()
        watch.register(self._socket, POLLIN)
        return not watch.poll(0)

    def close(self) -> None:
        self._socket.close()

    def _receive(self, wait: Wait) -> bytes:
        while True:
            try:
                return self._socket.recv(_PIECE_BYTES)
            except (BlockingIOError, ssl.SSLWantReadError):
                wait(self._socket, POLLIN)
            except ssl.SSLWantWriteError:
                wait(self._socket, POLLOUT)
            except OSError as error:
                raise UpstreamFailed(f"the provider broke off: {describe(error)}") from error


class Lines:
    """The lines to all endpoints: those at rest are kept for the next request, from any thread."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        """`context` takes the place of one with the system's roots."""
        self._context = context
        self._guard = Lock()
        self._idle: dict[Endpoint, list[Line]] = {}
        self._keeps_idle = False

    def open(self) -> None:
        """From now on lines are kept."""
        with self._guard:
            self._keeps_idle = True

    def take(self, endpoint: Endpoint) -> Line:
        """A line of the caller's own, to be given back or closed. Raises `UpstreamFailed`."""
        while True:
            with self._guard:
                idle = self._idle.get(endpoint)
                line = idle.pop() if idle else None
            if line is None:
                return Line(endpoint, (self._context or _system_context()) if endpoint.is_tls else None)
            if line.is_quiet:
                return line
            line.close()

    def give_back(self, endpoint: Endpoint, line: Line) -> None:
        """Keep the line, or close it when it cannot be used again."""
        if line.start_next():
            with self._guard:
                idle = self._idle.setdefault(endpoint, [])
                if self._keeps_idle and len(idle) < _MOST_IDLE:
                    idle.append(line)
                    return
        line.close()

    def close(self) -> None:
        """Close those at rest, and keep none that is still in use."""
        with self._guard:
            self._keeps_idle = False
            lines = [line for idle in self._idle.values() for line in idle]
            self._idle.clear()
        for line in lines:
            line.close()


def describe(error: OSError) -> str:
    """What happened, in the system's words."""
    if isinstance(error, ssl.SSLError):
        return getattr(error, "verify_message", None) or error.reason or "TLS failed"
    return "it took too long" if isinstance(error, TimeoutError) else error.strerror or type(error).__name__


@cache
def _system_context() -> ssl.SSLContext:
    """The system's roots (SSL_CERT_FILE replaces them); reading them takes 20 ms, so once."""
    return ssl.create_default_context()


def _connect(endpoint: Endpoint, context: ssl.SSLContext | None) -> socket:
    where = f"the provider at {endpoint.authority}"
    try:
        plain = create_connection((endpoint.host, endpoint.port), _CONNECT_SECONDS)
    except OSError as error:
        raise UpstreamFailed(f"{where} cannot be reached: {describe(error)}") from error
    try:
        plain.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
        connection = plain
        if context is not None:
            # An end without TLS's own goodbye is a broken stream, not a short answer.
            connection = context.wrap_socket(plain, server_hostname=endpoint.host, suppress_ragged_eofs=False)
        connection.setblocking(False)
    except ssl.SSLCertVerificationError as error:
        plain.close()
        raise CertificateRefused(f"{where} showed a certificate that is not its own: {describe(error)}") from error
    except OSError as error:
        plain.close()
        raise UpstreamFailed(f"{where} cannot be reached: {describe(error)}") from error
    return connection
