"""The gateway's own answers, in a shape that all three agent programs read as an error of the provider."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from datetime import timedelta

from intercomd.gateway.headers import Headers

_KINDS = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    408: "timeout_error",
    413: "request_too_large",
    429: "rate_limit_error",
    529: "overloaded_error",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer."""

    status: int
    headers: Headers
    body: bytes


def own_answer(status: int, text: str, retry_after: timedelta | None = None) -> Answer:
    """An error with our words; the agent shows them, so they hold no secret."""
    error = {"type": _KINDS.get(status, "api_error"), "code": status, "message": f"intercomd: {text}"}
    body = json.dumps({"type": "error", "error": error}, ensure_ascii=False).encode()
    headers: Headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
    ]
    if retry_after is not None:
        headers.append((b"retry-after", str(math.ceil(retry_after.total_seconds())).encode()))
    return Answer(status, headers, body)
