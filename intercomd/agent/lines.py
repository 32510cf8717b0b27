"""Cuts a byte stream into lines, however the bytes arrive; no line is decoded before it is whole (hazard B-100)."""

from __future__ import annotations

_MOST_BYTES = 16 * 1024 * 1024


class LineCutter:
    """Keeps at most one line. One that is longer than `most_bytes` is left out, and counted in `skipped`."""

    def __init__(self, most_bytes: int = _MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._pieces: list[bytes] = []
        self._size = 0
        self.skipped = 0

    def feed(self, chunk: bytes) -> list[bytes]:
        """The lines that `chunk` completes, without their ends."""
        *ended, rest = chunk.split(b"\n")
        lines = []
        for piece in ended:
            self._keep(piece)
            lines += self._take()
        self._keep(rest)
        return lines

    def close(self) -> list[bytes]:
        """The last line, when the stream ended without a line end."""
        return self._take() if self._size else []

    def _keep(self, piece: bytes) -> None:
        self._size += len(piece)
        if self._size <= self._most_bytes:
            self._pieces.append(piece)
        else:
            self._pieces.clear()

    def _take(self) -> list[bytes]:
        is_whole = self._size <= self._most_bytes
        line = b"".join(self._pieces)
        self._pieces.clear()
        self._size = 0
        if not is_whole:
            self.skipped += 1
        return [line] if is_whole else []
