"""Telegram's limits: how a text is cut, and what a chat's JID looks like."""

from __future__ import annotations

import re
from collections.abc import Iterator

from intercomd.domain.ids import ChatJid
from intercomd.errors import InvalidInput

PIECE_LIMIT = 4096
"""UTF-16 units of one message; for text of the basic plane the code points of original.md §5.3."""

_JID = re.compile(r"tg:-?\d{1,20}", re.ASCII)


def parse_telegram_jid(text: str, field: str) -> ChatJid:
    """`tg:` and the chat's number, so that nothing goes to `@strangers` (hazard B-124); raises `InvalidInput`."""
    if not _JID.fullmatch(text):
        raise InvalidInput(field, f"{text!r} is no Telegram chat; write tg: and the chat's number")
    return ChatJid(text)


def chat_id_of(jid: ChatJid) -> str:
    return jid.removeprefix("tg:")


def cut_pieces(text: str) -> tuple[str, ...]:
    """`text` in consecutive pieces of at most `PIECE_LIMIT` units, with no regard for words; never through a
    character. Pieces of only white space are left out, since Telegram refuses them (hazard B-41)."""
    return tuple(piece for piece in _cut(text) if piece.strip())


def first_piece(text: str) -> str:
    """As much of `text` as one message takes."""
    return next(_cut(text))


def _cut(text: str) -> Iterator[str]:
    start = units = 0
    for position, character in enumerate(text):
        width = 2 if character > "\uffff" else 1
        if units + width > PIECE_LIMIT:
            yield text[start:position]
            start, units = position, 0
        units += width
    yield text[start:]
