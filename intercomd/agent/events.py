"""What a program's stream says, in words that are the same for all programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple


class Opened(NamedTuple):
    """The program works in this session."""

    session_id: str


class TakenUp(NamedTuple):
    """The text handed over under this key is before the model."""

    key: str


class Piece(NamedTuple):
    """Text of the reply, as it is written; `is_apart` from what was said before, as a paragraph is."""

    text: str
    is_apart: bool = False


class ToolUse(NamedTuple):
    tool: str
    tool_input: str


class Waiting(NamedTuple):
    """The program tries again by itself: a sign of life, and no progress."""

    reason: str


class Answered(NamedTuple):
    """The turn is over; `text` is empty when there is nothing to say."""

    text: str
    usage: dict[str, float] | None


class Failed(NamedTuple):
    """The turn is over without an answer; `status` is the provider's, as far as the program tells it."""

    error: str
    status: int | None = None


class SessionGone(NamedTuple):
    """The program does not know the session it was to go on with."""


if TYPE_CHECKING:
    Event = Opened | TakenUp | Piece | ToolUse | Waiting | Answered | Failed | SessionGone

_MOST_INPUT_CHARACTERS = 200


def shorten(text: str) -> str:
    """A tool's input as people are shown it (original.md §9.8)."""
    return text if len(text) <= _MOST_INPUT_CHARACTERS else text[:_MOST_INPUT_CHARACTERS] + "..."
