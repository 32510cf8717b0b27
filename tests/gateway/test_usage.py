"""How tokens are counted: out of the providers' real streams, and whatever else comes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intercomd.gateway.usage import Usage, UsageReader

STREAM = "text/event-stream; charset=utf-8"
CLAUDE = b"""event: message_start
data: {"type":"message_start","message":{"id":"m","usage":{"input_tokens":10,"cache_creation_input_tokens":200,\
"cache_read_input_tokens":3000,"output_tokens":1}}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"\\"usage\\""}}

event: message_delta
data: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":42}}

""".replace(b"\\\n", b"")
CODEX = b"""event: response.created
data: {"type":"response.created","response":{"usage":null}}

event: response.completed
data: {"type":"response.completed","response":{"usage":{"input_tokens":70,"input_tokens_details":{"cached_tokens":60},\
"output_tokens":8,"output_tokens_details":{"reasoning_tokens":5},"total_tokens":78}}}

""".replace(b"\\\n", b"")
GEMINI = (
    b'data: {"usageMetadata": {"promptTokenCount": 9, "candidatesTokenCount": 2, "totalTokenCount": 11}}\r\n\r\n'
    b'data: {"usageMetadata": {"promptTokenCount": 9, "candidatesTokenCount": 5, "thoughtsTokenCount": 30}}\r\n\r\n'
)


def read(data: bytes, content_type: str = STREAM, piece: int = 65536) -> Usage:
    reader = UsageReader(content_type)
    for start in range(0, len(data), piece):
        reader.feed(data[start : start + piece])
    return reader.finish()


@pytest.mark.parametrize("piece", [1, 7, 65536])
@pytest.mark.parametrize(
    ("stream", "usage"), [(CLAUDE, Usage(1, 3210, 42)), (CODEX, Usage(1, 70, 8)), (GEMINI, Usage(1, 9, 35))]
)
def test_tokens_of_a_stream_are_counted_however_it_is_cut(stream: bytes, usage: Usage, piece: int) -> None:
    """Input with what was cached, output with what was thought; numbers that grow count once."""
    assert read(stream, piece=piece) == usage


def test_tokens_of_a_document_are_counted() -> None:
    """An answer that is no stream has its usage at the top."""
    document = b'{"content": [], "usage": {"input_tokens": 3, "output_tokens": 4}}'
    assert read(document, "application/json", piece=10) == Usage(1, 3, 4)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b'data: {"usage": {"input_tokens": "many"}}\n',
        b'data: {"usage": {"input_tokens": -5, "output_tokens": true}}\n',
        b'data: {"usage": {"input_tokens": 1e99}}\n',
        b'data: {"usage": [1]}\n',
        b'data: {"usage"\n',
        b'data: "usage"\n',
        b'data: {"usage": ' + b"[" * 100_000 + b"\n",
    ],
)
def test_odd_usage_counts_nothing(data: bytes) -> None:
    """What is no count is passed over; the request itself counts."""
    assert read(data) == Usage(1)


def test_endless_line_is_skipped_and_the_next_counts() -> None:
    """A line beyond what usage can be takes no memory, and what comes after it is read again."""
    data = b'data: {"usage": {"output_tokens": 1000}, "x": "' + b"x" * 3_000_000 + b'"}\n' + CLAUDE
    assert read(data) == Usage(1, 3210, 42)
    assert read(b'{"usage": {"output_tokens": 1}, "x": "' + b"x" * 3_000_000 + b'"}', "application/json") == Usage(1)


@given(st.binary(max_size=300), st.sampled_from([STREAM, "application/json", ""]))
def test_any_bytes_are_survived(data: bytes, content_type: str) -> None:
    """Counting never disturbs an answer."""
    assert read(data, content_type, piece=13).requests == 1
