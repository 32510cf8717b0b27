"""How many tokens an answer says it took: read on the way through, tolerant, and never holding the answer up.

claude: `usage` of message_start and message_delta (input_tokens without what was cached); codex: `usage` of
response.completed; gemini: `usageMetadata`, cumulative in every piece. Numbers only grow while an answer goes on, so
the largest of each name counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

_MOST_BYTES = 1024 * 1024
"""A line or document longer than that is not read: no usage is that long."""
_SIGNS = (b'"usage"', b'"usageMetadata"')
_INPUT = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens", "promptTokenCount")
_OUTPUT = ("output_tokens", "candidatesTokenCount", "thoughtsTokenCount")
_MOST_TOKENS = 10**9


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens, and the requests they belong to."""

    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0

    @property
    def tokens(self) -> int:
        return self.input_tokens + self.output_tokens

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.requests + other.requests,
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
        )


class UsageReader:
    """Sees one answer pass by: a stream of server-sent events (each datum on one line), or one JSON document."""

    def __init__(self, content_type: str) -> None:
        self._is_stream = content_type.startswith("text/event-stream")
        self._rest = bytearray()
        self._is_skipping = False
        self._largest: dict[str, int] = {}

    def feed(self, data: bytes) -> None:
        """The answer's next bytes."""
        self._rest += data
        if self._is_stream:
            *lines, rest = bytes(self._rest).split(b"\n")
            for line in lines:
                if not self._is_skipping:
                    self._read(line.removeprefix(b"data:"))
                self._is_skipping = False
            self._rest = bytearray(rest)
        if len(self._rest) > _MOST_BYTES:
            self._rest.clear()
            self._is_skipping = True

    def finish(self) -> Usage:
        """What was read until here, as of one request."""
        if not self._is_skipping:
            self._read(bytes(self._rest))
        self._rest.clear()
        return Usage(1, self._sum(_INPUT), self._sum(_OUTPUT))

    def _read(self, text: bytes) -> None:
        if not any(sign in text for sign in _SIGNS):
            return
        try:
            document = msgspec.json.decode(text)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return
        for name, number in _numbers(document):
            self._largest[name] = max(self._largest.get(name, 0), number)

    def _sum(self, names: tuple[str, ...]) -> int:
        return sum(self._largest.get(name, 0) for name in names)


def _numbers(document: Any) -> Iterator[tuple[str, int]]:
    """The counts that stand in the document, or in the message or response that it wraps."""
    for holder in (document, *(_inner(document, name) for name in ("message", "response"))):
        for name in ("usage", "usageMetadata"):
            for key, value in (_inner(holder, name) or {}).items():
                if type(value) is int and 0 <= value <= _MOST_TOKENS:
                    yield key, value


def _inner(document: Any, name: str) -> dict[str, Any] | None:
    inner = document.get(name) if isinstance(document, dict) else None
    return inner if isinstance(inner, dict) else None
