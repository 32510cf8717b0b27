"""The reply while it is being written."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from intercomd.actors.live_text import LiveReply
from intercomd.domain.frames import Result, TextDelta


def shown(*pieces: str) -> list[str | None]:
    live = LiveReply()
    return [live.after(TextDelta(piece)) for piece in pieces]


def test_internal_text_is_never_shown_even_while_its_tag_is_half_written() -> None:
    """The private plan stays private while it streams (B-99)."""
    assert shown("Hi <int", "ernal>plan", "</internal>", " there") == ["Hi ", "Hi", "Hi", "Hi  there"]


def test_next_turn_starts_empty_after_a_result() -> None:
    """A later answer does not carry the earlier one along (B-98)."""
    live = LiveReply()
    live.after(TextDelta("one"))
    assert live.after(Result("one", None, None)) is None
    assert live.after(TextDelta("two")) == "two"


@given(st.lists(st.sampled_from(["<internal>", "</internal>", "x", "<", "secret"]), max_size=8), st.data())
def test_no_piece_boundary_can_leak_internal_text(parts: list[str], data: st.DataObject) -> None:
    """However the stream is cut, nothing between the tags appears."""
    text = "<internal>" + "".join(parts).replace("</internal>", "") + "</internal>"
    cut_at = data.draw(st.integers(0, len(text)))
    assert all("secret" not in (piece or "") for piece in shown(text[:cut_at], text[cut_at:]))


def test_shown_text_is_bounded_however_much_is_streamed() -> None:
    """One agent's stream cannot fill the daemon's memory or its time; past the limit nothing changes any more."""
    live = LiveReply()
    pieces = [live.after(TextDelta("x" * 5000)) for _ in range(1000)]
    seen = [piece for piece in pieces if piece is not None]
    assert len(seen) == 4
    assert len(seen[-1]) == 16_384
    assert seen[-1].endswith("…")
