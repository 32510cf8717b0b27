"""The agent's side of one connection: one request is read, whole and within limits, and one answer is written.

Every connection ends after its answer. What else was sent on it is never looked at, so no second request can hide
behind the first.
"""

from __future__ import annotations

import math
import select
from socket import SHUT_RDWR, SHUT_WR, socket
from typing import IO

import h11

from intercomd.clock import Clock
from intercomd.gateway.answers import Answer
from intercomd.gateway.errors import BadRequest, ClientGone
from intercomd.gateway.limits import Limits

_MOST_HEAD_BYTES = 64 * 1024
_PIECE_BYTES = 64 * 1024
_DISCARD_SECONDS = 5.0
_UNREAD = frozenset({h11.IDLE, h11.SEND_BODY, h11.ERROR})
"""What the agent is still doing when its request was not read to the end."""


class ClientConnection:
    """Owns the accepted socket; `shut` may be called from any thread, the rest by the thread that serves it."""

    def __init__(self, connection: socket, limits: Limits, clock: Clock) -> None:
        self._socket = connection
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=_MOST_HEAD_BYTES)
        self._limits = limits
        self._clock = clock

    def read_request(self, body: IO[bytes]) -> h11.Request:
        """The head; `body` takes the rest. Raises `BadRequest` or `ClientGone`."""
        deadline = self._clock.monotonic() + self._limits.receive.total_seconds()
        request = self._next(deadline)
        if not isinstance(request, h11.Request):
            raise ClientGone("hung up before it asked")
        _check_framing(request, self._limits.body_bytes)
        if self._http.they_are_waiting_for_100_continue:
            self._write(self._http.send(h11.InformationalResponse(status_code=100, headers=[])) or b"")
        while isinstance(event := self._next(deadline), h11.Data):
            body.write(event.data)
            if body.tell() > self._limits.body_bytes:
                raise BadRequest(413, f"the request is larger than {self._limits.body_bytes} bytes")
        return request

    def answer(self, answer: Answer) -> None:
        """A whole answer of our own; nothing when one has begun, or cannot be heard."""
        if self._http.our_state not in {h11.IDLE, h11.SEND_RESPONSE}:
            return
        self.send(h11.Response(status_code=answer.status, headers=answer.headers))
        self.send(h11.Data(data=answer.body))
        self.send(h11.EndOfMessage())

    def send(self, event: h11.Event) -> None:
        """The next part of the answer; raises `ClientGone` when it is not taken within the deadline."""
        self._write(self._http.send(event) or b"")

    def wait(self, other: socket, events: int, seconds: float) -> None:
        """Until `other` is ready. Raises `ClientGone` as soon as the agent hangs up, `TimeoutError` after `seconds`.

        Half a goodbye (the agent will write no more, but reads) is none: only what makes an answer useless counts.
        """
        watch = select.poll()
        watch.register(other, events)
        watch.register(self._socket, 0)  # POLLHUP and POLLERR are told in any case
        ready = watch.poll(math.ceil(seconds * 1000))
        if any(descriptor == self._socket.fileno() for descriptor, _ in ready):
            raise ClientGone("the agent hung up")
        if not ready:
            raise TimeoutError

    def shut(self) -> None:
        """End it from outside: who reads, writes or waits here stops at once."""
        try:
            self._socket.shutdown(SHUT_RDWR)
        except OSError:  # it is over already
            return

    def close(self) -> None:
        """After an answer to a request that was not read to its end, the rest is read and thrown away: otherwise the
        system would break the connection off before the agent has seen the answer."""
        if self._http.our_state is h11.MUST_CLOSE and self._http.their_state in _UNREAD:
            self._discard_rest()
        self._socket.close()

    def _discard_rest(self) -> None:
        deadline = self._clock.monotonic() + _DISCARD_SECONDS
        try:
            self._socket.shutdown(SHUT_WR)
            while (left := deadline - self._clock.monotonic()) > 0:
                self._socket.settimeout(left)
                if not self._socket.recv(_PIECE_BYTES):
                    return
        except OSError:  # it hung up, or goes on for too long
            return

    def _next(self, deadline: float) -> object:
        try:
            while (event := self._http.next_event()) is h11.NEED_DATA:
                self._http.receive_data(self._receive(deadline))
        except h11.RemoteProtocolError as error:
            raise BadRequest(error.error_status_hint, f"this is no request: {error}") from error
        if isinstance(event, h11.ConnectionClosed):
            raise ClientGone("hung up")
        return event

    def _receive(self, deadline: float) -> bytes:
        left = deadline - self._clock.monotonic()
        try:
            if left <= 0:
                raise TimeoutError
            self._socket.settimeout(left)
            return self._socket.recv(_PIECE_BYTES)
        except TimeoutError:
            raise BadRequest(408, "the request did not come in time") from None
        except OSError as error:
            raise ClientGone("hung up") from error

    def _write(self, data: bytes) -> None:
        if not data:  # an agent that counted the bytes may be gone by now, and has everything
            return
        try:
            self._socket.settimeout(self._limits.deliver.total_seconds())
            self._socket.sendall(data)
        except OSError as error:
            raise ClientGone("the agent does not read its answer") from error


def _check_framing(request: h11.Request, most_bytes: int) -> None:
    """Beyond what h11 refuses: a body with two lengths is an attempt to be understood in two ways (RFC 9112 §6.3)."""
    names = [name for name, _ in request.headers]
    if request.http_version != b"1.1":
        raise BadRequest(505, "HTTP/1.1 is spoken here")
    if b"transfer-encoding" in names and b"content-length" in names:
        raise BadRequest(400, "a request has one length, not two")
    length = next((int(value) for name, value in request.headers if name == b"content-length"), 0)
    if length > most_bytes:
        raise BadRequest(413, f"the request is larger than {most_bytes} bytes")
