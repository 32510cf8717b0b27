"""Keeps the credential out of what a provider says: some quote, in an error, the key that they were shown.

The agent would read it there, and so would the chat. In its place stand as many asterisks, so that lengths stay true.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from intercomd.gateway.headers import Headers

_CARRIERS = frozenset({"authorization", "x-api-key", "x-goog-api-key"})
"""Headers whose value is a secret; others of a grant are names of accounts and of features."""


class Redactor:
    """Sees one answer pass by, and holds back no more than what may be the beginning of a secret."""

    def __init__(self, shown: Mapping[str, str]) -> None:
        """`shown` are the headers that the provider was given."""
        secrets = (value.removeprefix("Bearer ").encode() for name, value in shown.items() if name in _CARRIERS)
        self._secrets = tuple(secret for secret in secrets if secret)
        self._held = b""

    def headers(self, given: Iterable[tuple[bytes, bytes]]) -> Headers:
        """The answer's headers."""
        return [(name, self._cover(value)) for name, value in given]

    def feed(self, data: bytes) -> bytes:
        """What may be passed on of the answer's next bytes."""
        data = self._cover(self._held + data)
        end = len(data) - max((_begun(secret, data) for secret in self._secrets), default=0)
        self._held = data[end:]
        return data[:end]

    def finish(self) -> bytes:
        """The rest, which was no secret after all."""
        rest, self._held = self._held, b""
        return rest

    def _cover(self, data: bytes) -> bytes:
        for secret in self._secrets:
            data = data.replace(secret, b"*" * len(secret))
        return data


def _begun(secret: bytes, data: bytes) -> int:
    """How many bytes at the end of `data` are the beginning of `secret`, and not all of it."""
    tail = data[-(len(secret) - 1) :] if len(secret) > 1 else b""
    place = tail.find(secret[:1])
    while place >= 0 and not secret.startswith(tail[place:]):
        place = tail.find(secret[:1], place + 1)
    return len(tail) - place if place >= 0 else 0
