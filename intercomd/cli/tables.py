"""Text for people: tables, ages, and nothing that could drive a terminal."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Sequence

_CONTROL = re.compile(
    "\x1b\\][^\x07\x1b]*(?:\x07|\x1b\\\\)?"  # operating system commands, such as setting the title
    "|\x1b\\[[0-?]*[ -/]*[@-~]"  # colours, cursor movements
    "|\x1b."
    "|[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]",
    re.DOTALL,
)
_UNITS = ((86_400.0, "d"), (3_600.0, "h"), (60.0, "m"), (1.0, "s"))


def plain(text: str) -> str:
    """`text` without control characters, escape sequences and direction overrides; lines and tabs stay."""
    return _CONTROL.sub("", text)


def render_table(headers: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Columns as wide as their widest cell; None is `-`, and a cell is one line."""
    table = [[_cell(value) for value in row] for row in [headers, *rows]]
    widths = [max(map(_width, column)) for column in zip(*table, strict=True)]
    return "\n".join(
        "  ".join(cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in table
    )


def render_age(seconds: float | None) -> str:
    """`12s`, `3m`, `2h`, `5d`; `-` for None; milliseconds below a second."""
    if seconds is None:
        return "-"
    for size, unit in _UNITS:
        if seconds >= size:
            return f"{int(seconds // size)}{unit}"
    return f"{int(seconds * 1000)}ms"


def render_json(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def _cell(value: object) -> str:
    if value is None or value == "":
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return " ".join(plain(str(value)).split())


def _width(text: str) -> int:
    """Columns on a terminal: wide characters take two, combining ones none."""
    return sum(
        0 if unicodedata.combining(character) else 2 if unicodedata.east_asian_width(character) in "WF" else 1
        for character in text
    )
