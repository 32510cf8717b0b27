"""Errors as `application/problem+json` (RFC 9457): type, title, status, detail, and where a value was wrong."""

from __future__ import annotations

import json
from http import HTTPStatus

CONTENT_TYPE = "application/problem+json"


def render_problem(status: int, detail: str | None, **members: object) -> bytes:
    """A problem document. Its type is `about:blank` unless `members` has a `field`: the status code says it all."""
    document: dict[str, object] = {
        "type": "urn:intercomd:invalid-value" if "field" in members else "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
    }
    if detail:
        document["detail"] = detail
    return json.dumps({**document, **members}, ensure_ascii=False).encode()
