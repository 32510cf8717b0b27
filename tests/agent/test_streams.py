"""What the lines of claude, codex and gemini mean. The lines have the shape of those that the real programs print."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intercomd.agent.claude_stream import ClaudeStream
from intercomd.agent.codex_stream import CodexStream
from intercomd.agent.events import Answered, Failed, Opened, Piece, SessionGone, TakenUp, ToolUse, Waiting
from intercomd.agent.gemini_stream import GeminiStream
from intercomd.agent.lines import LineCutter

Event = Answered | Failed | Opened | Piece | SessionGone | TakenUp | ToolUse | Waiting
Stream = ClaudeStream | CodexStream | GeminiStream


def feed(stream: Stream, lines: Iterable[object]) -> list[Event]:
    return [event for line in lines for event in stream.feed(json.dumps(line, ensure_ascii=False).encode())]


def delta(text: str, parent: str | None = None) -> dict[str, object]:
    event = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}
    return {"type": "stream_event", "event": event, "parent_tool_use_id": parent}


def block_start(kind: str) -> dict[str, object]:
    event = {"type": "content_block_start", "index": 0, "content_block": {"type": kind}}
    return {"type": "stream_event", "event": event, "parent_tool_use_id": None}


def tool_call(name: str, **arguments: object) -> dict[str, object]:
    content = [{"type": "text", "text": "…"}, {"type": "tool_use", "id": "t", "name": name, "input": arguments}]
    return {"type": "assistant", "message": {"role": "assistant", "content": content}}


def result(**fields: object) -> dict[str, object]:
    return {"type": "result", "subtype": "success", "is_error": False, "result": "", **fields}


def test_claude_turn_is_told_from_its_start_to_its_usage() -> None:
    """Session, acknowledged text, tool, pieces and answer, each as one event; a sub-agent's words are not the reply."""
    usage = {"input_tokens": 22, "cache_read_input_tokens": 3, "output_tokens": 10, "service_tier": "standard"}
    lines = [
        {"type": "system", "subtype": "init", "session_id": "s1", "tools": []},
        {"type": "user", "isReplay": True, "uuid": "u1", "message": {"role": "user", "content": "do it"}},
        block_start("tool_use"),
        tool_call("Bash", command="ls ü"),
        {"type": "user", "message": {"role": "user", "content": [{"type": "tool_result", "content": "ok"}]}},
        delta("what the helper thinks", parent="toolu_1"),
        block_start("text"),
        delta("hel"),
        delta("lö"),
        {"type": "rate_limit_event"},
        result(result="hellö", usage=usage, total_cost_usd=0.5),
    ]
    assert feed(ClaudeStream(), lines) == [
        Opened("s1"),
        TakenUp("u1"),
        ToolUse("Bash", '{"command": "ls ü"}'),
        Piece("hel", is_apart=True),
        Piece("lö"),
        Answered("hellö", {"inputTokens": 22, "cachedInputTokens": 3, "outputTokens": 10, "costUsd": 0.5}),
    ]


@pytest.mark.parametrize(
    ("fields", "event"),
    [
        (
            {"is_error": True, "result": "API Error: 401 no", "api_error_status": 401},
            Failed("API Error: 401 no", 401),
        ),
        ({"subtype": "error_max_turns", "result": None}, Failed("error_max_turns")),
        ({"subtype": "error_during_execution", "is_error": True, "errors": ["a", "b"], "result": None}, Failed("a; b")),
        ({"is_error": True, "errors": ["No conversation found with session ID: x"]}, SessionGone()),
        ({"is_error": True, "errors": ["Error: --resume requires a valid session ID"]}, SessionGone()),
        ({"result": None}, Answered("", None)),
    ],
)
def test_claude_result_is_an_answer_only_without_an_error(fields: dict[str, object], event: Event) -> None:
    """`subtype` alone decides nothing: an API error says success there."""
    assert feed(ClaudeStream(), [result(**fields)]) == [event]


def test_claude_retry_is_no_progress() -> None:
    """A program that only tries again is told apart from one that works."""
    line = {"type": "system", "subtype": "api_retry", "attempt": 1, "error": "rate_limit", "error_status": 429}
    assert feed(ClaudeStream(), [line]) == [Waiting("rate_limit (429)")]


def item(kind: str, number: int = 1, **fields: object) -> dict[str, object]:
    return {"type": kind, "id": f"item_{number}", **fields}


def test_codex_turn_is_told_from_its_start_to_its_usage() -> None:
    """The last message is the answer, the earlier ones are said on the way, each tool is shown once."""
    command = item("command_execution", 1, command="/bin/bash -lc ls", status="in_progress")
    call = item("mcp_tool_call", 2, server="intercom", tool="send_message", arguments={"text": "ü"})
    lines = [
        {"type": "thread.started", "thread_id": "t1"},
        {"type": "item.completed", "item": item("error", 0, message="Model metadata not found.")},
        {"type": "turn.started"},
        {"type": "item.completed", "item": item("agent_message", 9, text="Let me see.")},
        {"type": "item.started", "item": command},
        {"type": "item.completed", "item": {**command, "status": "completed", "exit_code": 1}},
        {"type": "item.started", "item": call},
        {"type": "item.completed", "item": {**call, "error": {"message": "no"}}},
        {"type": "item.completed", "item": item("reasoning", 8, text="hm")},
        {"type": "item.completed", "item": item("agent_message", 3, text="Döne.")},
        {"type": "turn.completed", "usage": {"input_tokens": 22, "cached_input_tokens": 0, "output_tokens": 10}},
    ]
    assert feed(CodexStream(), lines) == [
        Opened("t1"),
        Piece("Let me see.", is_apart=True),
        ToolUse("Bash", "/bin/bash -lc ls"),
        ToolUse("intercom.send_message", '{"text": "ü"}'),
        Piece("Döne.", is_apart=True),
        Answered("Döne.", {"inputTokens": 22, "cachedInputTokens": 0, "outputTokens": 10}),
    ]


@pytest.mark.parametrize(
    ("error", "status"),
    [
        ("unexpected status 401 Unauthorized: bad key, url: http://127.0.0.1:1/v1/responses", 401),
        ("exceeded retry limit, last status: 429 Too Many Requests", 429),
        ("stream disconnected before completion: stream closed before response.completed", None),
    ],
)
def test_codex_failure_has_its_status_where_the_text_has_one(error: str, status: int | None) -> None:
    """What codex says in words is read as the number it is."""
    lines = [{"type": "error", "message": "Reconnecting... 1/2"}, {"type": "turn.failed", "error": {"message": error}}]
    assert feed(CodexStream(), lines) == [Waiting("Reconnecting... 1/2"), Failed(error, status)]


def test_codex_that_ends_before_its_turn_says_why_on_standard_error() -> None:
    """A session it does not know is no failure; everything else is."""
    gone = "Error: thread/resume: thread/resume failed: no rollout found for thread id x (code -32600)\n"
    assert CodexStream().end(1, gone) == SessionGone()
    assert CodexStream().end(101, " it panicked\n") == Failed("it panicked")
    assert CodexStream().end(0, "") == Failed("codex exited with code 0 and without an answer")


def test_gemini_turn_is_told_from_its_start_to_its_usage() -> None:
    """The answer is what follows the last tool; what was said before it is said on the way."""
    stats = {"input_tokens": 22, "cached": 1, "output_tokens": 10, "models": {}}
    lines = [
        {"type": "init", "session_id": "g1", "model": "m"},
        {"type": "message", "role": "user", "content": "hi"},
        {"type": "message", "role": "assistant", "content": "Let me see.", "delta": True},
        {"type": "tool_use", "tool_name": "run_shell_command", "tool_id": "1", "parameters": {"command": "ls"}},
        {"type": "tool_result", "tool_id": "1", "status": "success", "output": ""},
        {"type": "message", "role": "assistant", "content": "hel", "delta": True},
        {"type": "message", "role": "assistant", "content": "lö", "delta": True},
        {"type": "result", "status": "success", "stats": stats},
    ]
    assert feed(GeminiStream(), lines) == [
        Opened("g1"),
        Piece("Let me see.", is_apart=True),
        ToolUse("run_shell_command", '{"command": "ls"}'),
        Piece("hel", is_apart=True),
        Piece("lö"),
        Answered("hellö", {"inputTokens": 22, "cachedInputTokens": 1, "outputTokens": 10}),
    ]


def test_gemini_that_ends_with_a_tool_answers_with_what_it_said_before() -> None:
    """A last word before the last tool is not lost."""
    lines = [
        {"type": "message", "role": "assistant", "content": "I note it."},
        {"type": "tool_use", "tool_name": "write_file", "parameters": {}},
        {"type": "result", "status": "success"},
    ]
    assert feed(GeminiStream(), lines)[-1] == Answered("I note it.", None)


@pytest.mark.parametrize(
    ("line", "exit_code", "errors", "event"),
    [
        (
            {"type": "result", "status": "error", "error": {"message": '[API Error: {"error":{"code":401}}]'}},
            145,
            "",
            Failed('[API Error: {"error":{"code":401}}]', 401),
        ),
        (
            {"type": "result", "status": "error", "error": {"message": "[API Error: slow down]"}},
            173,
            "",
            Failed("[API Error: slow down]", 429),
        ),
        (
            {"type": "error", "severity": "error", "message": "Model stream ended without a finish reason."},
            0,
            "",
            Failed("Model stream ended without a finish reason.", None),
        ),
        ({"type": "error", "severity": "warning", "message": "loop"}, 1, "no disk\n", Failed("no disk", None)),
        ({"type": "init", "session_id": "x"}, 42, "Error resuming session: Invalid session identifier", SessionGone()),
    ],
)
def test_gemini_failure_is_seen_whatever_its_exit_code(
    line: dict[str, object], exit_code: int, errors: str, event: Event
) -> None:
    """The status is in the text or in the exit code, and code 0 proves nothing."""
    stream = GeminiStream()
    feed(stream, [line])
    assert stream.end(exit_code, errors) == event


NOISE = [
    b"",
    b"not JSON",
    b'{"type":"result"',
    b"[]",
    b"null",
    b'"text"',
    b"\xff\xfe",
    b"{}",
    b'{"type":7}',
    b'{"type":"thinking_tokens"}',
    b'{"type":"assistant"}',
    b'{"type":"assistant","message":{"content":[1,{"type":"new"}]}}',
    b'{"type":"stream_event","event":{"delta":[]}}',
    b'{"type":"stream_event","event":7}',
    b'{"type":"item.completed"}',
    b'{"type":"item.completed","item":{"type":"agent_message","text":7}}',
    b'{"type":"message","role":"assistant","content":{"new":1}}',
    b'{"type":"message","role":"tool","content":"x"}',
    b"[" * 100_000,
]


@pytest.mark.parametrize("new_stream", [ClaudeStream, CodexStream, GeminiStream])
def test_line_that_is_not_known_says_nothing(new_stream: Callable[[], Stream]) -> None:
    """Noise, new types and odd shapes are passed over (B-64)."""
    stream = new_stream()
    assert [event for line in NOISE for event in stream.feed(line)] == []


def test_input_of_a_tool_is_shortened() -> None:
    """200 characters are shown, and that there was more."""
    (event,) = feed(ClaudeStream(), [tool_call("Write", content="x" * 5000)])
    assert isinstance(event, ToolUse) and len(event.tool_input) == 203 and event.tool_input.endswith("...")


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\n"), max_size=8)), st.data())
def test_lines_are_the_same_however_the_stream_is_cut(texts: list[str], data: st.DataObject) -> None:
    """Torn lines and characters come out whole (B-100)."""
    stream = b"".join(text.encode("utf-8", "replace") + b"\n" for text in texts)
    cutter, lines = LineCutter(), []
    while stream:
        size = data.draw(st.integers(1, len(stream)))
        lines += cutter.feed(stream[:size])
        stream = stream[size:]
    assert [line.decode() for line in lines] == texts
    assert cutter.close() == []


def test_line_that_is_too_long_costs_itself_only() -> None:
    """It is left out without being kept, and what stands around it arrives."""
    cutter = LineCutter(most_bytes=10)
    lines = cutter.feed(b"before\n12345")
    for _ in range(1000):
        lines += cutter.feed(b"x" * 100)
    lines += cutter.feed(b"\nafter\nrest")
    assert (lines, cutter.close(), cutter.skipped) == ([b"before", b"after"], [b"rest"], 1)
