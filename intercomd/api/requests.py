"""Reading requests: bodies as typed values, query parameters within their limits; a wrong one names its field."""

from __future__ import annotations

import re
from typing import TypeVar

import falcon
import msgspec

from intercomd.domain.ids import Seq
from intercomd.errors import InvalidInput

MAX_SEQ = 2**53
"""Beyond this, numbers do not survive every JSON reader."""

T = TypeVar("T")

_JSON = re.compile(r"application/(?:[\w.-]+\+)?json", re.IGNORECASE)
_PLACE = re.compile(r" - at `\$\.?(.*)`$")
_MISSING = re.compile(r"missing required field `(\w+)`")


def read_body(request: falcon.Request, shape: type[T]) -> T:
    """The request's JSON body as `shape`.

    Raises 415 for another content type, 400 for what is no JSON, and `InvalidInput` for JSON of the wrong shape.
    Nesting is bounded by the interpreter's recursion limit.
    """
    if not _JSON.fullmatch((request.content_type or "").partition(";")[0].strip()):
        raise falcon.HTTPUnsupportedMediaType(description="send JSON with Content-Type: application/json")
    try:
        return msgspec.json.decode(request.bounded_stream.read(), type=shape)
    except msgspec.ValidationError as error:
        raise InvalidInput(_field_of(str(error)), _PLACE.sub("", str(error))) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise falcon.HTTPBadRequest(description=f"the body is not JSON: {error}") from error


def _field_of(complaint: str) -> str:
    """The place that a complaint of msgspec names."""
    place, missing = _PLACE.search(complaint), _MISSING.search(complaint)
    return ".".join(found[1] for found in (place, missing) if found) or "body"


def query_int(request: falcon.Request, name: str, default: int, lowest: int, highest: int) -> int:
    """A whole number from the query string; raises `InvalidInput` outside its limits."""
    text = request.get_param(name)
    if text is None:
        return default
    if not re.fullmatch(r"-?\d{1,18}", text, re.ASCII) or not lowest <= int(text) <= highest:
        raise InvalidInput(name, f"{text!r} is not a whole number from {lowest} to {highest}")
    return int(text)


def query_limit(request: falcon.Request, default: int = 50) -> int:
    """How many items a list may have."""
    return query_int(request, "limit", default, 1, 500)


def query_seq(request: falcon.Request, name: str) -> Seq:
    """A position in a chat; 0 is before its first message."""
    return Seq(query_int(request, name, 0, 0, MAX_SEQ))


def query_seconds(request: falcon.Request, name: str, highest: float) -> float:
    """A time span in seconds, fractions allowed; 0 when absent."""
    text = request.get_param(name)
    if text is None:
        return 0.0
    if not re.fullmatch(r"\d{1,6}(\.\d{1,6})?", text, re.ASCII) or float(text) > highest:
        raise InvalidInput(name, f"{text!r} is not a number of seconds from 0 to {highest:g}")
    return float(text)
