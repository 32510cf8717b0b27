"""The lines that `codex exec --json` prints, as events.

A line is a JSON object with a `type`; `item.started` and `item.completed` carry an item of the turn. It prints whole
messages only. The last message before the end of the turn is the reply, those before it are said on the way. A tool
that failed and a warning are items, too, and no failure of the turn.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from .events import Answered, Failed, Opened, Piece, SessionGone, ToolUse, Waiting, shorten

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .events import Event

_STATUS = re.compile(r"status:? (\d{3})\b")
_INPUTS = {
    "command_execution": "command",
    "file_change": "changes",
    "mcp_tool_call": "arguments",
    "web_search": "query",
}
_NAMES = {"command_execution": "Bash", "web_search": "WebSearch", "file_change": "Edit"}


class CodexStream:
    """Reads the lines of one process, which runs one turn."""

    def __init__(self) -> None:
        self._text = ""
        self._shown: set[str] = set()

    def feed(self, line: bytes) -> Iterator[Event]:
        """The events of `line`; none when it says nothing to us or is no JSON object."""
        try:
            message = json.loads(line.decode("utf-8", "replace"))
        except (ValueError, RecursionError):
            return
        if not isinstance(message, dict):
            return
        kind = message.get("type")
        item = message.get("item")
        if kind == "thread.started":
            yield Opened(str(message.get("thread_id")))
        elif kind in ("item.started", "item.completed") and isinstance(item, dict):
            yield from self._item(item, is_over=kind == "item.completed")
        elif kind == "error":
            yield Waiting(str(message.get("message")))
        elif kind == "turn.completed":
            yield Answered(self._text, _usage(message.get("usage")))
        elif kind == "turn.failed":
            error = message.get("error")
            yield _failure(str(error.get("message") if isinstance(error, dict) else error))

    def end(self, exit_code: int | None, errors: str) -> Event:
        """What it means that the process ended before the turn did."""
        if "thread/resume failed" in errors:
            return SessionGone()
        return _failure(errors.strip() or f"codex exited with code {exit_code} and without an answer")

    def _item(self, item: dict[str, Any], *, is_over: bool) -> Iterator[Event]:
        kind = str(item.get("type"))
        if kind == "agent_message":
            if is_over and isinstance(item.get("text"), str):
                self._text = item["text"]
                yield Piece(self._text, is_apart=True)
        elif kind in _INPUTS and item.get("id") not in self._shown:
            self._shown.add(str(item.get("id")))
            value = item.get(_INPUTS[kind])
            shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            yield ToolUse(_NAMES.get(kind) or f"{item.get('server')}.{item.get('tool')}", shorten(shown))


def _failure(error: str) -> Failed:
    found = _STATUS.search(error)
    return Failed(error, int(found[1]) if found else None)


def _usage(usage: Any) -> dict[str, float] | None:
    if not isinstance(usage, dict):
        return None
    names = {
        "inputTokens": "input_tokens",
        "cachedInputTokens": "cached_input_tokens",
        "outputTokens": "output_tokens",
    }
    return {ours: usage[theirs] for ours, theirs in names.items() if isinstance(usage.get(theirs), int)}
