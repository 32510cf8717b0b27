"""The lines that `gemini --output-format stream-json` prints, as events.

A line is a JSON object with a `type`. The reply is what the model said after its last tool, or else all it said. Its
`result` says `error` also when the process then exits with code 0; an HTTP status of the provider is, modulo 256, the
exit code when the error's text does not hold it.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from .events import Answered, Failed, Opened, Piece, SessionGone, ToolUse, shorten

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .events import Event

_STATUS = re.compile(r'"code":\s*(\d{3})\b')
_STATUS_BY_EXIT_CODE = {status % 256: status for status in (400, 401, 403, 404, 429, 500, 503)}


class GeminiStream:
    """Reads the lines of one process, which runs one turn."""

    def __init__(self) -> None:
        self._said: list[str] = []
        self._said_before_tools = ""
        self._error = ""

    def feed(self, line: bytes) -> Iterator[Event]:
        """The events of `line`; none when it says nothing to us or is no JSON object. A failure is told by `end`."""
        try:
            message = json.loads(line.decode("utf-8", "replace"))
        except (ValueError, RecursionError):
            return
        if not isinstance(message, dict):
            return
        kind = message.get("type")
        if kind == "init":
            yield Opened(str(message.get("session_id")))
        elif kind == "message" and message.get("role") == "assistant":
            text = message.get("content")
            if isinstance(text, str):
                yield Piece(text, is_apart=not self._said)
                self._said.append(text)
        elif kind == "tool_use":
            self._said_before_tools += "".join(self._said)
            self._said.clear()
            tool_input = json.dumps(message.get("parameters"), ensure_ascii=False)
            yield ToolUse(str(message.get("tool_name")), shorten(tool_input))
        elif kind == "error" and message.get("severity") == "error":
            self._error = str(message.get("message"))
        elif kind == "result" and message.get("status") == "success":
            yield Answered("".join(self._said) or self._said_before_tools, _usage(message.get("stats")))
        elif kind == "result":
            error = message.get("error")
            self._error = str(error.get("message")) if isinstance(error, dict) else self._error

    def end(self, exit_code: int | None, errors: str) -> Event:
        """What it means that the process ended without a successful result."""
        if "Error resuming session" in errors:
            return SessionGone()
        error = self._error or errors.strip() or f"gemini exited with code {exit_code} and without an answer"
        found = _STATUS.search(error)
        status = int(found[1]) if found else _STATUS_BY_EXIT_CODE.get(exit_code or 0)
        return Failed(error, status)


def _usage(stats: Any) -> dict[str, float] | None:
    if not isinstance(stats, dict):
        return None
    names = {"inputTokens": "input_tokens", "cachedInputTokens": "cached", "outputTokens": "output_tokens"}
    return {ours: stats[theirs] for ours, theirs in names.items() if isinstance(stats.get(theirs), int)}
