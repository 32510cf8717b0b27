"""How texts are cut for Telegram, and which JIDs are Telegram's."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intercomd.channels.telegram.pieces import PIECE_LIMIT, cut_pieces, first_piece, parse_telegram_jid
from intercomd.domain.text import utf16_units
from intercomd.errors import InvalidInput


def test_pieces_of_a_long_text_have_the_known_lengths() -> None:
    """The vector of original.md §19."""
    assert [len(piece) for piece in cut_pieces("a" * 9005)] == [4096, 4096, 813]


@given(st.text(st.sampled_from("a😀 \n"), max_size=40), st.integers(1, 400))
def test_pieces_fit_and_lose_only_blank_ones(text: str, times: int) -> None:
    """Every piece fits in UTF-16 units, none is blank, no character is cut or lost (hazards B-41, B-100)."""
    whole = text * times
    pieces = cut_pieces(whole)
    assert all(piece.strip() and utf16_units(piece) <= PIECE_LIMIT for piece in pieces)
    assert "".join("".join(pieces).split()) == "".join(whole.split())
    assert whole.startswith(first_piece(whole))


def test_trailing_blank_piece_is_left_out() -> None:
    """4096 characters and a newline are one message."""
    assert cut_pieces("a" * 4096 + "\n") == ("a" * 4096,)


@pytest.mark.parametrize("jid", ["tg:1", "tg:-1001234567890"])
def test_jid_of_a_chat_is_taken(jid: str) -> None:
    """Users and groups have numbers."""
    assert parse_telegram_jid(jid, "jid") == jid


@pytest.mark.parametrize("jid", ["", "tg:", "tg:@channel", "@channel", "tg:1 ", "tg:--1", "1@g.us", "tg:1\n", "tg:١"])
def test_jid_of_a_stranger_is_refused(jid: str) -> None:
    """Nothing can be posted to a public channel by its name (hazard B-124)."""
    with pytest.raises(InvalidInput):
        parse_telegram_jid(jid, "jid")
