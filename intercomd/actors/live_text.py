"""The reply while it is being written: what of the streamed text people may already see."""

from __future__ import annotations

from intercomd.domain.frames import Frame, TextDelta, ToolStarted
from intercomd.domain.text import cut, strip_internal

_TAG = "<internal>"
_LIMIT = 16_384
"""Characters that are shown of a reply being written; the whole of it comes with its result."""


class LiveReply:
    """Collects text deltas of one turn and hides `<internal>` spans, half-written tags included (hazard B-99)."""

    def __init__(self) -> None:
        self._text = ""

    def after(self, frame: Frame) -> str | None:
        """What to show after `frame`, None when that did not change; any other kind of frame ends the turn's text."""
        match frame:
            case TextDelta() if len(self._text) > _LIMIT:
                return None
            case TextDelta(text):
                self._text += text[: _LIMIT + 1]
            case ToolStarted():
                pass
            case _:
                self._text = ""
                return None
        return cut(_hide_half_tag(strip_internal(self._text)), _LIMIT)


def _hide_half_tag(text: str) -> str:
    for length in range(min(len(_TAG) - 1, len(text)), 0, -1):
        if text.endswith(_TAG[:length]):
            return text[:-length]
    return text
