"""The Bot API over HTTPS (https://core.telegram.org/bots/api): five methods, each with a deadline.

Whoever reads an error knows whether the text may have arrived: the request's body is handed over in a way that tells
whether the last of it was to be written. The token stands in every URL, so URLs enter neither errors nor logs.
"""

from __future__ import annotations

import logging
import ssl
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Generic, Protocol, TypeVar

import msgspec
import urllib3
from urllib3.exceptions import HTTPError
from urllib3.filepost import encode_multipart_formdata

from intercomd.channels.telegram.failures import BotApiError, Reply, failure_of
from intercomd.domain.outbox import Button
from intercomd.domain.text import clean

PUBLIC_URL = "https://api.telegram.org"
DEADLINE = timedelta(seconds=10)
DOCUMENT_DEADLINE = timedelta(minutes=2)
"""A file of 20 MB passes in it at 2 Mbit/s, an uplink of the slower kind."""
_CONNECT_SECONDS = 3.0
_MAX_ANSWER_BYTES = 1024 * 1024
_CHUNK_BYTES = 16 * 1024
_PIECE_BYTES = 64 * 1024
"""Each piece of a body is written within the connection's time-out. The longest text is one piece."""
_CONNECTIONS = 8

T = TypeVar("T")


class SentMessage(msgspec.Struct, frozen=True):
    """The part of a `Message` that we need."""

    message_id: int


class Bot(msgspec.Struct, frozen=True):
    """Who a token belongs to."""

    id: int
    username: str


class BotApi(Protocol):
    """What the rest uses. Every method raises `BotApiError`, and returns or raises within its deadline."""

    def send_message(
        self,
        chat_id: str,
        text: str,
        *,
        parse_mode: str | None = None,
        buttons: Sequence[Button] = (),
        deadline: timedelta = DEADLINE,
    ) -> int:
        """The new message's id; each button has a row of its own."""
        ...

    def send_document(
        self,
        chat_id: str,
        name: str,
        content: bytes,
        *,
        caption: str | None = None,
        deadline: timedelta = DOCUMENT_DEADLINE,
    ) -> int:
        """The new message's id. A quarter of the deadline is kept for the answer."""
        ...

    def edit_message(self, chat_id: str, message_id: int, text: str, *, deadline: timedelta = DEADLINE) -> None:
        """Replaces the text, and takes buttons away."""
        ...

    def answer_callback(self, query_id: str, text: str, *, deadline: timedelta = DEADLINE) -> None:
        """Ends the waiting mark on a pressed button and shows `text`, at most 200 characters of it."""
        ...

    def get_me(self, *, deadline: timedelta = DEADLINE) -> Bot: ...


class HttpBotApi:
    """The `BotApi` over urllib3, for any thread: TLS is verified, nothing is repeated, no redirect followed."""

    def __init__(self, token: str, url: str = PUBLIC_URL) -> None:
        logging.getLogger("urllib3").setLevel(logging.INFO)  # its debug lines have the path, hence the token
        self._prefix = f"{url.rstrip('/')}/bot{token}/"
        self._pool = urllib3.PoolManager(
            maxsize=_CONNECTIONS, retries=False, ssl_context=ssl.create_default_context(), cert_reqs="CERT_REQUIRED"
        )

    def send_message(
        self,
        chat_id: str,
        text: str,
        *,
        parse_mode: str | None = None,
        buttons: Sequence[Button] = (),
        deadline: timedelta = DEADLINE,
    ) -> int:
        fields: dict[str, object] = {"chat_id": chat_id, "text": text}
        if parse_mode is not None:
            fields["parse_mode"] = parse_mode
        if buttons:
            rows = [[{"text": button.label, "callback_data": button.data}] for button in buttons]
            fields["reply_markup"] = {"inline_keyboard": rows}
        return self._call("sendMessage", fields, deadline, SentMessage).message_id

    def send_document(
        self,
        chat_id: str,
        name: str,
        content: bytes,
        *,
        caption: str | None = None,
        deadline: timedelta = DOCUMENT_DEADLINE,
    ) -> int:
        fields: dict[str, str | tuple[str, bytes, str]] = {"chat_id": chat_id}
        if caption is not None:
            fields["caption"] = clean(caption)
        fields["document"] = (clean(name), content, "application/octet-stream")
        form, content_type = encode_multipart_formdata(fields)
        body = _Body(form, content_type, 0.75 * deadline.total_seconds())
        return self._exchange_for("sendDocument", body, deadline, SentMessage).message_id

    def edit_message(self, chat_id: str, message_id: int, text: str, *, deadline: timedelta = DEADLINE) -> None:
        fields = {"chat_id": chat_id, "message_id": message_id, "text": text}
        self._call("editMessageText", fields, deadline, msgspec.Raw)

    def answer_callback(self, query_id: str, text: str, *, deadline: timedelta = DEADLINE) -> None:
        fields: dict[str, object] = {"callback_query_id": query_id, "text": text}
        self._call("answerCallbackQuery", fields, deadline, msgspec.Raw)

    def get_me(self, *, deadline: timedelta = DEADLINE) -> Bot:
        return self._call("getMe", {}, deadline, Bot)

    def close(self) -> None:
        """Close the idle connections."""
        self._pool.clear()

    def _call(self, method: str, fields: dict[str, object], deadline: timedelta, shape: type[T]) -> T:
        body = _Body(msgspec.json.encode(_storable(fields)), "application/json")
        return self._exchange_for(method, body, deadline, shape)

    def _exchange_for(self, method: str, body: _Body, deadline: timedelta, shape: type[T]) -> T:
        until = time.monotonic() + deadline.total_seconds()
        try:
            reply = self._exchange(method, body, until)
        except (HTTPError, OSError) as error:
            failed = f"failed to call Telegram {method}"
            raise BotApiError(
                failed,
                cause=_describe(error),
                may_have_arrived=body.is_whole,
                was_cut=body.was_begun and not body.is_whole,
            ) from error
        if failure := failure_of(method, reply):
            raise failure
        try:
            return msgspec.json.decode(reply.body, type=_Envelope[shape]).result  # type: ignore[valid-type]
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            failed = f"failed to parse Telegram {method} response"
            raise BotApiError(failed, cause=str(error), may_have_arrived=True) from error

    def _exchange(self, method: str, body: _Body, until: float) -> Reply:
        remaining = until - time.monotonic()
        timeout = urllib3.Timeout(
            total=remaining, connect=min(_CONNECT_SECONDS, remaining), read=remaining - body.seconds
        )
        headers = {"Content-Type": body.content_type, "Content-Length": str(len(body.content))}
        response = self._pool.request(
            "POST",
            self._prefix + method,
            body=body,
            headers=headers,
            timeout=timeout,
            redirect=False,
            preload_content=False,
        )
        try:
            content = _read(response, until)
        except BaseException:
            response.close()
            raise
        response.release_conn()
        return Reply(response.status, content, response.headers.get("Retry-After"))


@dataclass(slots=True)
class _Body:
    """A request body that knows how much of it was asked for: urllib3 does so when the connection stands.

    What is longer than a piece may take `seconds` to write.
    """

    content: bytes
    content_type: str
    seconds: float = 0.0
    was_begun: bool = False
    is_whole: bool = False

    def __iter__(self) -> Iterator[bytes]:
        self.was_begun = True
        until = time.monotonic() + self.seconds
        for start in range(0, len(self.content), _PIECE_BYTES):
            if start and time.monotonic() > until:
                raise TimeoutError("writing the request took too long")
            self.is_whole = start + _PIECE_BYTES >= len(self.content)
            yield self.content[start : start + _PIECE_BYTES]


class _Envelope(msgspec.Struct, Generic[T], frozen=True):
    result: T


def _read(response: urllib3.BaseHTTPResponse, until: float) -> bytes:
    """The whole answer, even from a server that drips it: each read has a time-out, and all together `until`."""
    content = bytearray()
    while chunk := response.read1(_CHUNK_BYTES):  # what is there, not as much as was asked for
        content += chunk
        if len(content) > _MAX_ANSWER_BYTES:
            raise OSError("the answer is too long")
        if time.monotonic() > until:
            raise TimeoutError("the answer took too long")
    return bytes(content)


def _storable(fields: dict[str, object]) -> dict[str, object]:
    """A lone surrogate has no UTF-8 form."""
    return {name: clean(value) if isinstance(value, str) else value for name, value in fields.items()}


def _describe(error: Exception) -> str:
    """What happened, without the URL that some texts of urllib3 have."""
    inner = error.__cause__ or error.__context__ or error
    text = inner.strerror if isinstance(inner, OSError) and inner.strerror else None
    return text or type(error).__name__
