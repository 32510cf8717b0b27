"""Blocks are found in the agent's output however it arrives."""

from __future__ import annotations

import time
import tracemalloc
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intercomd.domain.frames import Noise
from intercomd.sandbox.framing import END, START, Block, BlockParser

LIMIT = 40
_PIECES = st.one_of(
    st.sampled_from([START, END, START[:9], START[-4:], END[:21], END[-3:], b"-", b"\n", b"{}", "é".encode(), b"\xff"]),
    st.binary(max_size=60),
)


def parse(*chunks: bytes, limit: int = LIMIT) -> list[Block]:
    parser = BlockParser(limit)
    return [block for chunk in chunks for block in parser.feed(chunk)] + parser.close()


def block(payload: bytes) -> bytes:
    return START + payload + END


@given(st.lists(_PIECES, max_size=15).map(b"".join), st.lists(st.integers(0, 700), max_size=12))
def test_blocks_are_the_same_for_any_division_into_chunks(stream: bytes, cuts: list[int]) -> None:
    """Where the reads happen to end changes nothing (B-57, B-100)."""
    bounds = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    chunks = [stream[start:end] for start, end in pairwise(bounds)]
    assert parse(*chunks) == parse(stream)


@given(st.lists(_PIECES, max_size=15).map(b"".join))
def test_blocks_are_the_same_byte_by_byte(stream: bytes) -> None:
    """Even single bytes give the same blocks."""
    assert parse(*(stream[at : at + 1] for at in range(len(stream)))) == parse(stream)


@given(st.lists(st.binary(max_size=LIMIT).filter(lambda payload: b"---" not in payload)))
def test_every_written_block_is_found(payloads: list[bytes]) -> None:
    """What was put between markers comes out, in order, whatever the bytes are (B-62)."""
    assert parse(*(b"noise\n" + block(payload) for payload in payloads)) == payloads


def test_markers_are_found_when_they_share_a_line() -> None:
    """Markers need no line of their own (original.md §9.6)."""
    assert parse(b"x" + block(b"1") + block(b"2") + b"y\n") == [b"1", b"2"]


def test_start_inside_a_block_starts_it_anew() -> None:
    """An agent that was interrupted inside a block and begins again is understood."""
    assert parse(START + b"half" + block(b"whole")) == [b"whole"]


def test_end_outside_of_a_block_is_noise() -> None:
    """A lone END opens and closes nothing."""
    assert parse(END + b"x" + END + block(b"1") + END) == [b"1"]


def test_block_over_the_limit_is_reported_and_the_next_one_kept() -> None:
    """One huge block costs itself only."""
    found = parse(block(b"a" * LIMIT), block(b"b" * (LIMIT + 1)), block(b"c"))
    assert [found[0], found[2]] == [b"a" * LIMIT, b"c"]
    assert isinstance(found[1], Noise) and str(LIMIT) in found[1].reason


def test_half_a_block_at_the_end_is_reported() -> None:
    """The end of the output inside a block is said, and only there."""
    assert parse(block(b"1"), b"tail") == [b"1"]
    assert isinstance(parse(START + b"{")[0], Noise)


@pytest.mark.parametrize(
    "stream",
    [b"x" * 65536, b"-" * 65536, (START[:-1] + b"\n") * 2000, START * 2400, END * 2700, block(b"{}") * 1300],
    ids=["one line", "dashes", "near markers", "starts", "ends", "blocks"],
)
def test_time_grows_with_the_bytes_only(stream: bytes) -> None:
    """8 MB of any shape cost about eight times what 1 MB costs: nothing is looked at twice (B-70)."""
    few, many = _seconds(stream, 16), _seconds(stream, 128)
    assert many < 24 * few + 0.1


def test_noise_is_parsed_in_bounded_memory() -> None:
    """64 MB of noise and of one endless block leave no more than the limit behind."""
    parser = BlockParser(1_000_000)
    tracemalloc.start()
    try:
        for opening in (b"", START):
            parser.feed(opening)
            for _ in range(512):
                parser.feed(b"n" * 65536)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4_000_000


def _seconds(stream: bytes, times: int) -> float:
    parser = BlockParser()
    began = time.process_time()
    for _ in range(times):
        parser.feed(stream)
    return time.process_time() - began
