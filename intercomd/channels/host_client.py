"""Speaks to the host's callback server: one text, one `POST /v1/ipc/send-message`, one deadline.

A connection of its own for every text: one that was kept could have been closed by the other side, and then nobody
knows whether the request was read.
"""

from __future__ import annotations

import json
from contextlib import closing
from datetime import timedelta
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from urllib.parse import urlsplit

from intercomd.clock import Clock
from intercomd.domain.ids import ChatJid, OutboxId
from intercomd.errors import ChannelError

_PATH = "/v1/ipc/send-message"
_NO_CHANNEL = "No channel for JID"
_NEVER_ACCEPTED = frozenset({400, 413})
"""What says that this very text is wrong: asking again will not help."""
_MOST_ANSWER_BYTES = 64 * 1024
_SHOWN_CHARACTERS = 200


class HostAway(ChannelError):
    """The host was not reached, or did not answer: the next text would fare no better."""


class HostClient:
    """The host at `base_url`; each text is given `timeout` in all, for connecting, sending and the answer."""

    def __init__(self, base_url: str, timeout: timedelta, clock: Clock) -> None:
        parts = urlsplit(base_url)
        assert parts.hostname is not None, "the settings' rules have seen to it"
        self.url = base_url
        self._is_https = parts.scheme == "https"
        self._host, self._port = parts.hostname, parts.port
        self._path = parts.path.rstrip("/") + _PATH
        self._timeout_s = timeout.total_seconds()
        self._clock = clock

    def send_text(self, chat_jid: ChatJid, text: str, outbox_id: OutboxId) -> None:
        """Have the host show `text`; it returns when the host has accepted it. The id lets a host that knows it (ours
        does) show a repeated text once; others ignore it. Raises `ChannelError`."""
        body = json.dumps({"chat_jid": chat_jid, "text": text, "sender": None, "outbox_id": outbox_id}).encode()
        deadline = self._clock.monotonic() + self._timeout_s
        with closing(self._connection()) as connection:
            try:
                connection.connect()
            except OSError as error:
                raise HostAway(f"no host answers at {self.url}: {_reason(error)}") from error
            try:
                _limit(connection, deadline - self._clock.monotonic())
                connection.request("POST", self._path, body, {"Content-Type": "application/json"})
                response = connection.getresponse()
                status, answer = response.status, self._read(response, connection, deadline)
            except (OSError, HTTPException) as error:
                raise HostAway(
                    f"the host at {self.url} took the text and did not answer: {_reason(error)}", may_have_arrived=True
                ) from error
        _check(status, answer)

    def _read(self, response: HTTPResponse, connection: HTTPConnection, deadline: float) -> bytes:
        """The beginning of the answer, however slowly it comes within the deadline."""
        answer = b""
        while len(answer) < _MOST_ANSWER_BYTES:
            remaining = deadline - self._clock.monotonic()
            if remaining <= 0:
                raise TimeoutError
            _limit(connection, remaining)
            piece = response.read1(_MOST_ANSWER_BYTES)
            if not piece:
                break
            answer += piece
        return answer

    def _connection(self) -> HTTPConnection:
        kind = HTTPSConnection if self._is_https else HTTPConnection
        return kind(self._host, self._port, timeout=self._timeout_s)


def _limit(connection: HTTPConnection, seconds: float) -> None:
    """What is left of the deadline; a zero would mean that nobody waits at all."""
    if connection.sock is not None:
        connection.sock.settimeout(max(seconds, 0.001))


def _check(status: int, answer: bytes) -> None:
    """Nothing on success. A refusal with the host's word for it was never shown; a 500 for another reason may have
    come after the text did."""
    if 200 <= status < 300:
        return
    why = _error_in(answer)
    text = f"the host refused the text with {status}" + (f": {why[:_SHOWN_CHARACTERS]}" if why else "")
    is_definite = status < 500 or status == 503 or why.startswith(_NO_CHANNEL)
    raise ChannelError(text, may_have_arrived=not is_definite, is_permanent=status in _NEVER_ACCEPTED)


def _error_in(answer: bytes) -> str:
    try:
        document = json.loads(answer)
    except (ValueError, RecursionError):
        return ""
    return str(document.get("error") or "") if isinstance(document, dict) else ""


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "it took too long"
    return (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
