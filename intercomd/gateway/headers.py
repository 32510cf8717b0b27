"""Which headers pass, in both directions: pure functions over h11's lower-case names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

Headers = list[tuple[bytes, bytes]]

_HOP_BY_HOP = frozenset(
    {b"connection", b"keep-alive", b"proxy-connection", b"te", b"trailer", b"transfer-encoding", b"upgrade"}
)
_OURS = frozenset({b"host", b"content-length", b"expect", b"accept-encoding"})
"""Set anew: another host, a body whose length is known, and answers that can be read for their token counts."""
_IDENTITY = frozenset(
    {
        b"authorization",
        b"proxy-authorization",
        b"cookie",
        b"x-api-key",
        b"api-key",
        b"x-goog-api-key",
        b"x-goog-user-project",
        b"chatgpt-account-id",
        b"openai-organization",
        b"openai-project",
        b"forwarded",
        b"via",
        b"x-real-ip",
    }
)
"""Who asks and who pays is said by the gateway alone."""
_OTHER_REQUEST = frozenset(
    {b"x-http-method-override", b"x-http-method", b"x-method-override", b"x-original-url", b"x-rewrite-url"}
)
"""They would make another request of the one that was checked."""
_NOT_FOR_AGENTS = frozenset({b"set-cookie", b"set-cookie2", b"www-authenticate", b"proxy-authenticate", b"alt-svc"})
_BETA = b"anthropic-beta"


def upstream_headers(given: Iterable[tuple[bytes, bytes]], host: str, length: int, own: Mapping[str, str]) -> Headers:
    """What goes to the provider: the agent's headers without identity and framing, then ours and the credential's.

    `own` wins over the agent's headers of the same name; only `anthropic-beta` is a list that both add to.
    """
    given = list(given)
    added = {name.lower().encode(): value.encode() for name, value in own.items()}
    dropped = _HOP_BY_HOP | _OURS | _IDENTITY | _OTHER_REQUEST | _named_in_connection(given) | added.keys()
    kept = [(name, value) for name, value in given if name not in dropped and not name.startswith(b"x-forwarded-")]
    if _BETA in added:
        wanted = [value for name, value in given if name == _BETA]
        added[_BETA] = b",".join([*wanted, added[_BETA]])
    return [
        (b"host", host.encode()),
        *kept,
        *added.items(),
        (b"accept-encoding", b"identity"),
        (b"content-length", str(length).encode()),
    ]


def answer_headers(given: Iterable[tuple[bytes, bytes]]) -> Headers:
    """What goes back to the agent: no cookies, no framing but a known length; one answer for each connection."""
    given = list(given)
    dropped = _HOP_BY_HOP | _NOT_FOR_AGENTS | _named_in_connection(given)
    if any(name == b"transfer-encoding" for name, _ in given):
        dropped |= {b"content-length"}  # of two lengths this one does not count (RFC 9112 §6.3)
    return [*((name, value) for name, value in given if name not in dropped), (b"connection", b"close")]


def find_header(headers: Iterable[tuple[bytes, bytes]], wanted: bytes) -> str | None:
    """The first value of that name."""
    return next((value.decode("latin-1") for name, value in headers if name == wanted), None)


def _named_in_connection(headers: Headers) -> frozenset[bytes]:
    """A sender may declare further headers as meant for the next hop only."""
    values = [value for name, value in headers if name == b"connection"]
    return frozenset(word.strip().lower() for value in values for word in value.split(b","))
