"""What may be stored, what is never shown, how texts are cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intercomd.domain.text import clean, cut, printable, size_in_words, split_parts, strip_internal, utf16_units


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Hello <internal>x</internal> World", "Hello  World"),
        ("A <internal>x</internal> B <internal>y</internal> C", "A  B  C"),
        ("Hello <internal>never closed", "Hello"),
        ("Before\n<internal>a\nb</internal>\nAfter", "Before\n\nAfter"),
        ("<internal>all of it</internal>", ""),
        ("<INTERNAL>kept</INTERNAL>", "<INTERNAL>kept</INTERNAL>"),
    ],
)
def test_strip_internal_hides_spans_to_the_end_when_unclosed(text: str, shown: str) -> None:
    """The vectors of original.md §19; nothing marked as internal is shown (B-78)."""
    assert strip_internal(text) == shown


@given(st.text(alphabet=st.characters()))
def test_clean_makes_any_text_storable_and_keeps_its_length(text: str) -> None:
    """NUL and lone surrogates are replaced one by one; everything else stays."""
    cleaned = clean(text + "\x00\ud800")
    assert "\x00" not in cleaned
    cleaned.encode("utf-8")
    assert len(cleaned) == len(text) + 2


def test_split_parts_cuts_at_the_limit_when_there_is_no_blank() -> None:
    """9005 letters are three parts (original.md §19)."""
    assert [len(part) for part in split_parts("a" * 9005, 4096)] == [4096, 4096, 813]


def test_split_parts_breaks_at_a_paragraph_when_one_is_near_the_end() -> None:
    """A part ends between paragraphs rather than inside a word."""
    assert split_parts("a" * 60 + "\n\n" + "b" * 60, 100) == ("a" * 60, "b" * 60)


def test_split_parts_leaves_out_blank_parts() -> None:
    """A trailing part of white space would be refused by the channel and doubled by a retry (B-41)."""
    assert split_parts("a" * 4096 + "\n", 4096) == ("a" * 4096,)
    assert split_parts(" \n ", 10) == ()


@given(st.text(alphabet="ab 😀\n", max_size=300), st.integers(min_value=4, max_value=50))
def test_split_parts_keeps_every_visible_character_within_the_limit(text: str, limit: int) -> None:
    """No part is longer than the limit in UTF-16 units and nothing but white space is lost."""
    parts = split_parts(text, limit)
    assert all(utf16_units(part) <= limit for part in parts)
    assert "".join("".join(parts).split()) == "".join(text.split())


@given(st.text(), st.integers(min_value=1, max_value=20))
def test_cut_never_exceeds_its_limit(text: str, limit: int) -> None:
    """Cutting works on characters, so no byte boundary can break it (B-59, B-74)."""
    assert len(cut(text, limit)) <= limit
    assert cut(text, len(text) + 1) == text


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (1, "1 byte"),
        (999, "999 bytes"),
        (1_000, "1 kB"),
        (999_499, "999 kB"),
        (999_500, "1.0 MB"),
        (20_000_000, "20.0 MB"),
    ],
)
def test_size_is_told_in_words(size: int, words: str) -> None:
    """As people read it in a chat."""
    assert size_in_words(size) == words


def test_printable_keeps_to_one_line() -> None:
    """Letters of any script stay, what breaks lines or hides does not."""
    assert printable("Menü\n\r\x1b\u202e\ud800 漢.pdf") == "Menü_____ 漢.pdf"
