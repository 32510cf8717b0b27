"""One call to a provider's token endpoint (RFC 6749 §6): a refresh token becomes an access token."""

from __future__ import annotations

import select
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from socket import socket
from types import MappingProxyType
from urllib.parse import urlencode

import h11
import msgspec

from intercomd.clock import Clock
from intercomd.gateway.errors import LoginEnded, UpstreamFailed
from intercomd.gateway.logins import Login, Tokens, jwt_expiry
from intercomd.gateway.upstream import Endpoint, Line, Lines, Wait

_DEADLINE_SECONDS = 20.0
_MOST_ANSWER_BYTES = 256 * 1024
_ENDED = frozenset({400, 401, 403})
"""Answers that no repetition changes: the refresh token was used up, withdrawn, or is of another client."""


@dataclass(frozen=True, slots=True)
class TokenEndpoint:
    """Where a provider renews logins, and in which form it is asked."""

    url: str
    is_form: bool = False
    scope: str | None = None


TOKEN_ENDPOINTS: Mapping[str, TokenEndpoint] = MappingProxyType(
    {
        "claude": TokenEndpoint("https://platform.claude.com/v1/oauth/token"),
        "codex": TokenEndpoint("https://auth.openai.com/oauth/token", scope="openid profile email"),
        "gemini": TokenEndpoint("https://oauth2.googleapis.com/token", is_form=True),
    }
)


class _Answer(msgspec.Struct, frozen=True):
    access_token: str
    refresh_token: str | None = None
    expires_in: float | None = None


def renew(login: Login, refresh_token: str, endpoint: TokenEndpoint, lines: Lines, clock: Clock) -> Tokens:
    """New tokens, within the deadline. Raises `LoginEnded` when there will never be any, `UpstreamFailed` when there
    may be later; neither says anything of what was sent."""
    where = Endpoint.parse(endpoint.url)
    body, content_type = _render(login, refresh_token, endpoint)
    headers = {
        "Host": where.authority,
        "Content-Type": content_type,
        "Accept": "application/json",
        "Content-Length": str(len(body)),
    }
    request = h11.Request(method="POST", target=where.prefix, headers=list(headers.items()))
    line = lines.take(where)
    try:
        status, answer = _ask(line, request, body, _waiting(clock))
    finally:
        line.close()
    if status in _ENDED:
        raise LoginEnded(f"the provider ended it ({status})")
    if status != 200:
        raise UpstreamFailed(f"{where.authority} answered {status} when the login was to be renewed")
    try:
        given = msgspec.json.decode(answer, type=_Answer)
    except msgspec.DecodeError as error:
        raise UpstreamFailed(f"{where.authority} did not answer with tokens") from error
    lifetime = None if given.expires_in is None else timedelta(seconds=min(max(given.expires_in, 0), 10**8))
    expires_at = jwt_expiry(given.access_token) if lifetime is None else clock.now() + lifetime
    return Tokens(given.access_token, given.refresh_token or refresh_token, expires_at)


def _render(login: Login, refresh_token: str, endpoint: TokenEndpoint) -> tuple[bytes, str]:
    fields = {"grant_type": "refresh_token", "refresh_token": refresh_token, "client_id": login.client_id}
    if login.client_secret is not None:
        fields["client_secret"] = login.client_secret
    if endpoint.scope is not None:
        fields["scope"] = endpoint.scope
    if endpoint.is_form:
        return urlencode(fields).encode(), "application/x-www-form-urlencoded"
    return msgspec.json.encode(fields), "application/json"


def _ask(line: Line, request: h11.Request, body: bytes, wait: Wait) -> tuple[int, bytes]:
    for part in (request, h11.Data(data=body), h11.EndOfMessage()):
        line.send(part, wait)
    status, answer = 0, b""
    while not isinstance(event := line.next_event(wait), h11.EndOfMessage):
        if isinstance(event, h11.Response):
            status = event.status_code
        elif isinstance(event, h11.Data) and len(answer) < _MOST_ANSWER_BYTES:
            answer += event.data
        elif isinstance(event, h11.ConnectionClosed):
            raise UpstreamFailed("the provider broke off")
    return status, answer


def _waiting(clock: Clock) -> Wait:
    deadline = clock.monotonic() + _DEADLINE_SECONDS

    def wait(line: socket, events: int) -> None:
        watch = select.poll()
        watch.register(line, events)
        left = deadline - clock.monotonic()
        if left <= 0 or not watch.poll(left * 1000):
            raise UpstreamFailed("the login could not be renewed in time", status=504)

    return wait
