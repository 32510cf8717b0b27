"""The lines that `claude --output-format stream-json --verbose --include-partial-messages` prints, as events.

A line is a JSON object with a `type`. An API error is a `result` with `is_error`, whatever its `subtype` says. What a
sub-agent says has a `parent_tool_use_id` and is not part of the reply. A text handed over on standard input comes back
with `isReplay` and its `uuid` when the model is given it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from .events import Answered, Failed, Opened, Piece, SessionGone, TakenUp, ToolUse, Waiting, shorten

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .events import Event


class ClaudeStream:
    """Reads the lines of one process."""

    def __init__(self) -> None:
        self._begins_block = False

    def feed(self, line: bytes) -> Iterator[Event]:
        """The events of `line`; none when it says nothing to us or is no JSON object."""
        try:
            message = json.loads(line.decode("utf-8", "replace"))
        except (ValueError, RecursionError):
            return
        if not isinstance(message, dict):
            return
        kind, subtype = message.get("type"), message.get("subtype")
        if kind == "system" and subtype == "init":
            yield Opened(str(message.get("session_id")))
        elif kind == "system" and subtype == "api_retry":
            yield Waiting(f"{message.get('error')} ({message.get('error_status')})")
        elif kind == "stream_event" and message.get("parent_tool_use_id") is None:
            yield from self._pieces(message.get("event"))
        elif kind == "assistant":
            yield from _tools(message.get("message"))
        elif kind == "user" and message.get("isReplay") is True:
            yield TakenUp(str(message.get("uuid")))
        elif kind == "result":
            yield _result(message)

    def _pieces(self, event: Any) -> Iterator[Event]:
        if not isinstance(event, dict):
            return
        if event.get("type") == "content_block_start":
            self._begins_block = True
        delta = event.get("delta")
        if isinstance(delta, dict) and delta.get("type") == "text_delta" and isinstance(delta.get("text"), str):
            yield Piece(delta["text"], self._begins_block)
            self._begins_block = False


def _tools(message: Any) -> Iterator[Event]:
    content = message.get("content") if isinstance(message, dict) else None
    for block in content if isinstance(content, list) else ():
        if isinstance(block, dict) and block.get("type") == "tool_use":
            tool_input = json.dumps(block.get("input"), ensure_ascii=False)
            yield ToolUse(str(block.get("name")), shorten(tool_input))


def _result(message: dict[str, Any]) -> Event:
    errors = message.get("errors")
    text = message.get("result")
    if message.get("is_error") is not True and message.get("subtype") == "success":
        return Answered(text if isinstance(text, str) else "", _usage(message))
    reasons = [str(error) for error in errors] if isinstance(errors, list) else []
    if any("No conversation found" in reason or "--resume requires" in reason for reason in reasons):
        return SessionGone()
    status = message.get("api_error_status")
    reason = text if isinstance(text, str) and text else "; ".join(reasons) or str(message.get("subtype"))
    return Failed(reason, status if isinstance(status, int) else None)


def _usage(message: dict[str, Any]) -> dict[str, float] | None:
    usage = message.get("usage")
    if not isinstance(usage, dict):
        return None
    read = (usage.get(f"{kind}_input_tokens") for kind in ("cache_creation", "cache_read"))
    counts = {
        "inputTokens": usage.get("input_tokens"),
        "cachedInputTokens": sum(value for value in read if isinstance(value, int)),
        "outputTokens": usage.get("output_tokens"),
        "costUsd": message.get("total_cost_usd"),
    }
    return {name: value for name, value in counts.items() if isinstance(value, (int, float))}
