"""Cuts a byte stream into marked blocks (original.md §9.6), however the bytes arrive.

The markers are found anywhere, so both may share a line with anything; a START inside an open block starts it anew;
what lies outside of blocks is dropped. Every byte is looked at once and at most one block is kept, so neither noise
nor one huge line costs more than the time to read it (hazards B-57, B-59, B-62, B-70).
"""

from __future__ import annotations

import re

from intercomd.domain.frames import Noise

START = b"---INTERCOM_OUTPUT_START---"
END = b"---INTERCOM_OUTPUT_END---"
MAX_BLOCK_BYTES = 16 * 1024 * 1024

_MARKER = re.compile(re.escape(START) + b"|" + re.escape(END))
_CARRIED_BYTES = max(len(START), len(END)) - 1

Block = bytes | Noise
"""The bytes between two markers, or why there are none."""


class BlockParser:
    """Incremental: any division of the stream into chunks gives the same blocks."""

    def __init__(self, max_block_bytes: int = MAX_BLOCK_BYTES) -> None:
        self._limit = max_block_bytes
        self._carried = b""
        self._is_open = False
        self._body = bytearray()
        self._body_size = 0

    def feed(self, chunk: bytes) -> list[Block]:
        """The blocks that `chunk` completes, in order."""
        blocks: list[Block] = []
        data = self._carried + chunk
        position = 0
        for marker in _MARKER.finditer(data):
            self._take(data, position, marker.start())
            position = marker.end()
            if self._is_open and self._body_size > self._limit:
                blocks.append(Noise(f"a block of {self._body_size} bytes; the limit is {self._limit}"))
            elif self._is_open and marker[0] == END:
                blocks.append(bytes(self._body))
            self._is_open = marker[0] == START
            self._body.clear()
            self._body_size = 0
        certain = max(position, len(data) - _CARRIED_BYTES)
        self._take(data, position, certain)
        self._carried = data[certain:]
        return blocks

    def close(self) -> list[Block]:
        """What the end of the stream means: a block that is open stays without its end."""
        if not self._is_open:
            return []
        self._is_open = False
        return [Noise(f"the output ended inside a block, after {self._body_size + len(self._carried)} bytes of it")]

    def _take(self, data: bytes, start: int, end: int) -> None:
        """These bytes hold no marker: keep them when they belong to a block that may still count."""
        if not self._is_open:
            return
        self._body_size += end - start
        if self._body_size <= self._limit:
            self._body += data[start:end]
        else:
            self._body.clear()
