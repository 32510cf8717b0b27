"""A program that drives a model, as a child process: text in, lines out, and its last words.

It stays in our process group, so that whoever ends us ends it, too; what its tools started and left behind ends with
the sandbox.
"""

from __future__ import annotations

import os
import selectors
import subprocess
import time
from typing import IO, TYPE_CHECKING

from .lines import LineCutter

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_CHUNK_BYTES = 1 << 16
_TAIL_BYTES = 4000
_END_SECONDS = 5.0


class Process:
    """Started by its constructor, which raises `OSError`. Nothing moves but in `pump`."""

    def __init__(self, argv: Sequence[str], environment: Mapping[str, str], directory: str) -> None:
        pipe = subprocess.PIPE
        self._child = subprocess.Popen(
            argv, stdin=pipe, stdout=pipe, stderr=pipe, env=environment, cwd=directory, bufsize=0
        )
        assert self._child.stdin and self._child.stdout and self._child.stderr, "all three streams are pipes"
        self._stdin, self._stdout, self._stderr = self._child.stdin, self._child.stdout, self._child.stderr
        self._selector = selectors.DefaultSelector()
        for stream in (self._stdin, self._stdout, self._stderr):
            os.set_blocking(stream.fileno(), False)
        for stream in (self._stdout, self._stderr):
            self._selector.register(stream, selectors.EVENT_READ)
        self._lines = LineCutter()
        self._unwritten = b""
        self._ends_input = False
        self._tail = b""
        self.is_over = False
        """It has exited and all it said is read."""

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._child.returncode

    @property
    def errors(self) -> str:
        """The end of what it wrote to standard error."""
        return self._tail.decode("utf-8", "replace")

    def write(self, text: str) -> None:
        """Hand over `text`, in as many steps as the program takes."""
        self._unwritten += text.encode("utf-8", "replace")
        self._watch_input()

    def end_input(self) -> None:
        """Nothing will be handed over after what was."""
        self._ends_input = True
        self._watch_input()

    def pump(self, seconds: float) -> list[bytes]:
        """Move what can be moved, waiting at most so long for something to move; the lines that were completed."""
        lines: list[bytes] = []
        has_exited = self._child.poll() is not None
        events = self._selector.select(0 if has_exited else seconds)
        for key, _ in events:
            stream = key.fileobj
            if stream is self._stdin:
                self._feed()
            elif stream is self._stdout:
                lines += self._lines.feed(self._read(self._stdout))
            else:
                self._keep_tail(self._read(self._stderr))
        is_silent = not any(key.fileobj is not self._stdin for key, _ in events)
        if not self.is_over and has_exited and is_silent:
            self.is_over = True
            lines += self._lines.close()
        elif is_silent and not self._selector.get_map():
            time.sleep(min(seconds, 0.01))  # it closed its streams and lives on
        return lines

    def end(self) -> None:
        """Leave it a moment to end by itself, then kill it; all it holds of ours is released."""
        self.end_input()
        deadline = time.monotonic() + _END_SECONDS
        while not self.is_over and time.monotonic() < deadline:
            self.pump(0.05)
        self.kill()

    def kill(self) -> None:
        """End it at once and release all it holds of ours."""
        self._child.kill()
        self._child.wait()
        self.is_over = True
        self._selector.close()
        for stream in (self._stdin, self._stdout, self._stderr):
            stream.close()

    def _watch_input(self) -> None:
        if not self._stdin.closed and self._stdin not in self._selector.get_map():
            self._selector.register(self._stdin, selectors.EVENT_WRITE)

    def _feed(self) -> None:
        try:
            if self._unwritten:
                self._unwritten = self._unwritten[os.write(self._stdin.fileno(), self._unwritten) :]
        except BrokenPipeError:
            self._unwritten = b""  # it reads no more; its end says why
        except BlockingIOError:
            return
        if not self._unwritten:
            self._selector.unregister(self._stdin)
            if self._ends_input:
                self._stdin.close()

    def _read(self, stream: IO[bytes]) -> bytes:
        try:
            data = os.read(stream.fileno(), _CHUNK_BYTES)
        except BlockingIOError:
            return b""
        if not data:
            self._selector.unregister(stream)
        return data

    def _keep_tail(self, data: bytes) -> None:
        self._tail = (self._tail + data)[-_TAIL_BYTES:]
