"""JSON without the `json` package, whose import doubles the start-up time of this program (12 ms instead of 6).

The C functions behind `json` do the work; where an interpreter has none, `json` itself does.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

try:
    from _json import encode_basestring_ascii, make_scanner
except ImportError:
    from json.encoder import encode_basestring_ascii
    from json.scanner import make_scanner


class _Scanning:
    """The settings `json.loads` gives its scanner."""

    strict = True
    object_hook = None
    object_pairs_hook = None
    parse_float = float
    parse_int = int
    parse_constant = float

    def __init__(self) -> None:
        self.memo: dict[str, str] = {}


def loads(text: str) -> Any:
    """The value of a JSON text; raises `ValueError`."""
    stripped = text.strip(" \t\r\n")
    try:
        value, end = make_scanner(_Scanning())(stripped, 0)  # type: ignore[arg-type]
    except (StopIteration, SystemError, ValueError):
        end = -1  # the scanner cannot even say what is wrong while `json` is not imported
    return value if end == len(stripped) else _loads_with_json(text)


def _loads_with_json(text: str) -> Any:
    """What is no JSON pays for the import, and gets the full error text."""
    from json import loads

    return loads(text)


def dumps(value: object) -> str:
    """JSON in ASCII of strings, numbers, booleans, None, and lists and dicts of them."""
    if isinstance(value, str):
        return encode_basestring_ascii(value)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, dict):
        return "{" + ",".join(f"{dumps(str(key))}:{dumps(item)}" for key, item in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(map(dumps, value)) + "]"
    raise TypeError(f"no JSON for {type(value).__name__}")
