"""Rules for text: what may be stored, what is never shown, and how it is cut into parts a channel takes."""

from __future__ import annotations

import re

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_INTERNAL = re.compile(r"<internal>.*?(?:</internal>|\Z)", re.DOTALL)


def clean(text: str) -> str:
    """`text` with NUL and lone surrogates as U+FFFD: neither engine nor UTF-8 can hold them."""
    return _UNSTORABLE.sub("\ufffd", text)


def printable(text: str) -> str:
    """`text` for one line, with `_` for what cannot be shown: line ends, other controls, lone surrogates."""
    return "".join(character if character.isprintable() else "_" for character in text)


def size_in_words(size: int) -> str:
    """A number of bytes for people: `812 bytes`, `12 kB`, `3.4 MB`."""
    if size < 1_000:
        return "1 byte" if size == 1 else f"{size} bytes"
    return f"{round(size / 1_000)} kB" if size < 999_500 else f"{size / 1_000_000:.1f} MB"


def strip_internal(text: str) -> str:
    """`text` without `<internal>…</internal>` spans, an unclosed one up to the end, and without blanks around.

    The tags are case-sensitive; spans do not nest (original.md §9.1, vectors in §19).
    """
    return _INTERNAL.sub("", text).strip()


def utf16_units(text: str) -> int:
    """Length as Telegram counts it: characters beyond the basic plane count twice."""
    return len(text) + sum(character > "\uffff" for character in text)


def cut(text: str, limit: int) -> str:
    """At most `limit` characters of `text`, with `…` as the last one when something was cut (hazard B-59)."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def split_parts(text: str, limit: int) -> tuple[str, ...]:
    """`text` in parts of at most `limit` UTF-16 units, broken at a paragraph, line or blank where one lies in the last
    half of a part; parts of only white space are left out, since channels refuse them (hazard B-41)."""
    parts: list[str] = []
    rest = text
    while rest.strip():
        end = _end_within(rest, limit)
        if end < len(rest):
            end = _break_before(rest, end)
        if rest[:end].strip():
            parts.append(rest[:end].rstrip("\n") if end < len(rest) else rest)
        rest = rest[end:].lstrip("\n")
    return tuple(parts)


def _end_within(text: str, limit: int) -> int:
    """How many characters of `text` fit `limit` UTF-16 units; at least one."""
    if len(text) * 2 <= limit:
        return len(text)
    units = 0
    for index, character in enumerate(text):
        units += 2 if character > "\uffff" else 1
        if units > limit:
            return max(index, 1)
    return len(text)


def _break_before(text: str, end: int) -> int:
    for separator in ("\n\n", "\n", " "):
        position = text.rfind(separator, end // 2, end)
        if position > 0:
            return position + len(separator)
    return end
