"""Frames: what one marked JSON unit on a run's standard output means (original.md §9.6, §9.8).

Tolerant on purpose: unknown fields and event types are ignored and a result that is not text is rendered as JSON
(hazard B-64). Every text of a frame is cleaned here, so that the store and the wire can hold it.

Protocol 2 is ours: the first frame carries `"protocol": 2`, results and ends of turns carry `"answers": [inputId…]`,
and an end of turn carries `"turnEnded": true`, and `"usage"` when it is known. An error may carry a `"notice"` for
people and `"isFinal"`: trying again will not help. Anything else is the existing system's protocol 1, where a success
without result, event and model is the end of a turn.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from intercomd.domain.ids import InputId
from intercomd.domain.text import clean


@dataclass(frozen=True, slots=True)
class Announcement:
    """The agent is there. `protocol` is 1 for the images of the existing system."""

    protocol: int
    model: str | None
    session_id: str | None


@dataclass(frozen=True, slots=True)
class TextDelta:
    """A piece of the reply being written."""

    text: str


@dataclass(frozen=True, slots=True)
class ToolStarted:
    tool: str
    tool_input: str


@dataclass(frozen=True, slots=True)
class SessionLost:
    """The agent does not know the session it was given, and goes on in a new one."""

    session_id: str


@dataclass(frozen=True, slots=True)
class Result:
    """A reply. `answers` is None when the agent does not say which inputs it answers (protocol 1)."""

    text: str
    session_id: str | None
    answers: tuple[InputId, ...] | None
    model: str | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """What a turn took, as far as the agent knows: tokens, and dollars by the provider's list."""

    input_tokens: int | None = None
    cached_input_tokens: int | None = None
    output_tokens: int | None = None
    cost_usd: float | None = None


@dataclass(frozen=True, slots=True)
class TurnEnded:
    """The agent has nothing more to say to `answers`; without a result before, that is the declared silence."""

    session_id: str | None
    answers: tuple[InputId, ...] | None
    usage: Usage | None = None


@dataclass(frozen=True, slots=True)
class AgentFailed:
    """The agent reports an error. `notice` is for people; `is_final`: it will not help to try again."""

    error: str
    session_id: str | None
    answers: tuple[InputId, ...] | None
    notice: str | None = None
    is_final: bool = False


@dataclass(frozen=True, slots=True)
class Noise:
    """A block that is no frame; `reason` says why, for the run's log."""

    reason: str


Frame = Announcement | TextDelta | ToolStarted | SessionLost | Result | TurnEnded | AgentFailed | Noise


def parse_frame(payload: bytes) -> Frame:
    """The meaning of one block's JSON text; never raises."""
    try:
        block = json.loads(payload.decode("utf-8", "replace"))
    except (ValueError, RecursionError) as error:
        return Noise(f"not JSON: {error}")
    if not isinstance(block, dict):
        return Noise("not a JSON object")
    session_id = _text(block.get("newSessionId"))
    answers = _answers(block.get("answers"))
    if block.get("status") == "error":
        reported = _text(block.get("error")) or "the agent reported an error without a text"
        notice = _text(block.get("notice"))
        return AgentFailed(reported, session_id, answers, notice, is_final=block.get("isFinal") is True)
    event = block.get("event")
    if isinstance(event, dict):
        return _parse_event(event)
    model = _text(block.get("model"))
    result = block.get("result")
    if result is not None:
        text = result if isinstance(result, str) else json.dumps(result, ensure_ascii=False)
        return Result(clean(text), session_id, answers, model)
    if block.get("turnEnded") is True:
        return TurnEnded(session_id, answers, _usage(block.get("usage")))
    protocol = block.get("protocol")
    if protocol is not None or model is not None:
        return Announcement(protocol if isinstance(protocol, int) else 1, model, session_id)
    if block.get("status") != "success":
        return Noise("no status")
    return TurnEnded(session_id, answers)


def _parse_event(event: dict[str, object]) -> Frame:
    kind = event.get("type")
    if kind == "text_delta":
        return TextDelta(_text(event.get("text")) or "")
    if kind == "tool_start":
        return ToolStarted(_text(event.get("toolName")) or "", _text(event.get("toolInput")) or "")
    if kind == "session_lost":
        return SessionLost(_text(event.get("sessionId")) or "")
    return Noise(f"unknown event type {kind!r}")


def _usage(value: object) -> Usage | None:
    if not isinstance(value, dict):
        return None
    cost = value.get("costUsd")
    return Usage(
        input_tokens=_count(value.get("inputTokens")),
        cached_input_tokens=_count(value.get("cachedInputTokens")),
        output_tokens=_count(value.get("outputTokens")),
        cost_usd=float(cost) if isinstance(cost, int | float) else None,
    )


def _count(value: object) -> int | None:
    return value if isinstance(value, int) else None


def _text(value: object) -> str | None:
    return clean(value) if isinstance(value, str) else None


def _answers(value: object) -> tuple[InputId, ...] | None:
    if not isinstance(value, list):
        return None
    return tuple(InputId(clean(item)) for item in value if isinstance(item, str))
