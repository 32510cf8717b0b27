"""What a block's JSON text means."""

from __future__ import annotations

import json
from dataclasses import astuple

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from intercomd.domain.frames import (
    AgentFailed,
    Announcement,
    Frame,
    Noise,
    Result,
    SessionLost,
    TextDelta,
    ToolStarted,
    TurnEnded,
    Usage,
    parse_frame,
)
from intercomd.domain.ids import InputId

SUCCESS: dict[str, object] = {"status": "success", "result": None}


def parse(**fields: object) -> Frame:
    return parse_frame(json.dumps(fields).encode())


@pytest.mark.parametrize(
    ("fields", "frame"),
    [
        ({"model": "m"}, Announcement(1, "m", None)),
        ({"protocol": 2, "model": "m", "newSessionId": "s"}, Announcement(2, "m", "s")),
        ({"event": {"type": "text_delta", "text": "a"}}, TextDelta("a")),
        ({"event": {"type": "tool_start", "toolName": "Bash", "toolInput": "ls"}}, ToolStarted("Bash", "ls")),
        ({"result": "hi"}, Result("hi", None, None)),
        ({"result": "hi", "newSessionId": "s", "answers": ["i"]}, Result("hi", "s", (InputId("i"),))),
        ({"newSessionId": "s"}, TurnEnded("s", None)),
        ({"turnEnded": True, "model": "m", "answers": []}, TurnEnded(None, ())),
        (
            {"turnEnded": True, "usage": {"inputTokens": 7, "outputTokens": "?", "costUsd": 1, "new": {}}},
            TurnEnded(None, None, Usage(input_tokens=7, cost_usd=1.0)),
        ),
        ({"event": {"type": "session_lost", "sessionId": "s"}}, SessionLost("s")),
    ],
)
def test_frame_is_understood_in_both_protocols(fields: dict[str, object], frame: Frame) -> None:
    """Every kind of frame of the existing system and of protocol 2 has its meaning."""
    assert parse(**{**SUCCESS, **fields}) == frame


def test_error_wins_over_everything_else() -> None:
    """A block with status error is a failure whatever else it carries (B-63)."""
    frame = parse(status="error", result="half an answer", error="boom", newSessionId="s", answers=["i"])
    assert frame == AgentFailed("boom", "s", (InputId("i"),))


def test_error_says_what_people_are_to_read_and_whether_it_is_final() -> None:
    """What an agent knows about its failure arrives; without a word about that it may be tried again."""
    frame = parse(status="error", error="HTTP 401", notice="renew the key", isFinal=True)
    assert frame == AgentFailed("HTTP 401", None, None, "renew the key", is_final=True)
    assert parse(status="error", error="e", isFinal="yes", notice=7) == AgentFailed("e", None, None)


def test_error_has_a_text_when_the_agent_gives_none() -> None:
    """A failure can always be shown."""
    assert isinstance(frame := parse(status="error"), AgentFailed) and frame.error


@pytest.mark.parametrize("result", [{"answer": 42}, [1, "é"], 7, False, ""])
def test_result_that_is_no_text_is_rendered(result: object) -> None:
    """A result of any JSON type is kept, with its session id (B-64)."""
    frame = parse(status="success", result=result, newSessionId="s", extra={"unknown": 1})
    expected = result if isinstance(result, str) else json.dumps(result, ensure_ascii=False)
    assert frame == Result(expected, "s", None)


@pytest.mark.parametrize(
    "payload",
    [b"", b"nonsense", b"[]", b"null", b"3", b"{}", b'{"status":"success","result":null,"event":{"type":"x"}}'],
)
def test_block_without_meaning_is_noise(payload: bytes) -> None:
    """What cannot be understood is said to be so, and why."""
    assert isinstance(frame := parse_frame(payload), Noise) and frame.reason


def test_invalid_utf8_does_not_lose_the_block() -> None:
    """A raw Latin-1 byte inside a text is replaced, the rest is kept (B-62)."""
    assert parse_frame(b'{"status":"success","result":"caf\xe9"}') == Result("caf\N{REPLACEMENT CHARACTER}", None, None)


@pytest.mark.parametrize("unstorable", ["\x00", "\ud800"])
@pytest.mark.parametrize(
    "fields",
    [
        {"result": "?", "newSessionId": "?", "model": "?", "answers": ["?"]},
        {"result": {"?": ["?"]}},
        {"protocol": 2, "model": "?", "newSessionId": "?"},
        {"status": "error", "error": "?", "newSessionId": "?"},
        {"turnEnded": True, "newSessionId": "?"},
        {"event": {"type": "text_delta", "text": "?"}},
        {"event": {"type": "tool_start", "toolName": "?", "toolInput": "?"}},
        {"event": {"type": "?"}},
    ],
)
def test_every_text_of_a_frame_can_be_stored_and_sent(fields: dict[str, object], unstorable: str) -> None:
    """No agent can put a NUL or a lone surrogate into the store, the log or an answer over HTTP."""
    escaped = json.dumps(unstorable)[1:-1]
    payload = json.dumps({**SUCCESS, **fields}).replace("?", escaped).encode()
    frame = parse_frame(payload)
    assert "\x00" not in "".join(map(str, astuple(frame)))
    assert msgspec.json.encode(frame)


def test_deep_nesting_is_noise() -> None:
    """A block made to exhaust the parser's stack is noise."""
    assert isinstance(parse_frame(b"[" * 200_000), Noise)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
_KEYS = st.sampled_from(
    ["status", "result", "error", "event", "model", "protocol", "newSessionId", "answers", "turnEnded", "x"]
)


@given(st.dictionaries(_KEYS, _JSON | st.sampled_from(["success", "error"])))
def test_any_object_has_a_meaning(block: dict[str, object]) -> None:
    """No object, however wrong its types, makes the parser raise."""
    assert parse_frame(json.dumps(block).encode()) is not None


@given(st.binary(max_size=200))
def test_any_bytes_have_a_meaning(payload: bytes) -> None:
    """No bytes make the parser raise."""
    assert parse_frame(payload) is not None
