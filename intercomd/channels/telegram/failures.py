"""What an answer of the Bot API that is no success means for the text that was to be sent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus

import msgspec

from intercomd.errors import ChannelError

_SHORTEST_WAIT = timedelta(seconds=1)
_PERMANENT = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.FORBIDDEN, HTTPStatus.REQUEST_ENTITY_TOO_LARGE})


class BotApiError(ChannelError):
    """A call that failed. `summary` is the wording that clients of the existing system know (original.md §5.3);
    `was_cut` when a part of the request was written, and not all of it."""

    def __init__(
        self,
        summary: str,
        *,
        cause: str | None = None,
        retry_after: timedelta | None = None,
        may_have_arrived: bool = False,
        is_permanent: bool = False,
        was_cut: bool = False,
    ) -> None:
        super().__init__(
            f"{summary}: {cause}" if cause else summary,
            retry_after=retry_after,
            may_have_arrived=may_have_arrived,
            is_permanent=is_permanent,
        )
        self.summary = summary
        self.was_cut = was_cut

    @property
    def is_bad_markup(self) -> bool:
        return self.is_permanent and "can't parse entities" in self.summary


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer, read to its end."""

    status: int
    body: bytes
    retry_after: str | None


class _Parameters(msgspec.Struct, frozen=True):
    retry_after: int | None = None
    migrate_to_chat_id: int | None = None


class _Refusal(msgspec.Struct, frozen=True):
    ok: bool
    description: str | None = None
    error_code: int | None = None
    parameters: _Parameters = _Parameters()


def failure_of(method: str, reply: Reply) -> BotApiError | None:
    """The error that an answer stands for; None for a success.

    400, 403 and 413 are about the text, the chat or the file and will not change; 429 says when to come back; other
    refusals (a wrong token, a conflict) may heal. After 5xx nobody knows what was done. A 413 may come from a server in
    front of the API, in words of its own.
    """
    try:
        refusal = msgspec.json.decode(reply.body, type=_Refusal)
    except (msgspec.DecodeError, UnicodeDecodeError):
        failed = f"failed to parse Telegram {method} response"
        is_unclear = not 300 <= reply.status < 500
        is_too_large = reply.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        cause = f"HTTP status {reply.status}"
        return BotApiError(failed, cause=cause, may_have_arrived=is_unclear, is_permanent=is_too_large)
    if refusal.ok:
        return None
    status = refusal.error_code or reply.status
    parameters = refusal.parameters
    moved = parameters.migrate_to_chat_id
    return BotApiError(
        refusal.description or f"Telegram {method} returned ok=false",
        cause=None if moved is None else f"register tg:{moved} instead",
        retry_after=_wait(parameters.retry_after, reply.retry_after) if status == 429 else None,
        may_have_arrived=status >= 500,
        is_permanent=status in _PERMANENT,
    )


def _wait(seconds: int | None, header: str | None) -> timedelta:
    if seconds is None and header is not None and header.isdecimal():
        seconds = int(header[:6])
    return max(timedelta(seconds=seconds or 0), _SHORTEST_WAIT)
