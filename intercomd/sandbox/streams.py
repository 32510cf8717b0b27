"""Feeds a child its input and reads its output until it has exited; never blocks on a stream, never reads ahead of its
listener by more than a bounded amount."""

from __future__ import annotations

import os
import selectors
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import groupby
from threading import Lock
from typing import IO

from intercomd.domain.frames import Frame, Noise, parse_frame
from intercomd.sandbox.child import Child
from intercomd.sandbox.framing import Block, BlockParser
from intercomd.sandbox.run_log import Tail

UNRELEASED_LIMIT_BYTES = 1024 * 1024
LEAST_FRAME_BYTES = 1024
"""What a frame counts at least, so that a thousand small ones are a limit, too: they stand in a mailbox."""
_CHUNK_BYTES = 64 * 1024
_DRAIN_LIMIT_BYTES = 1024 * 1024
DRAIN_LIMIT_FRAMES = 4096
"""Nobody waits for the listener once the agent has exited, so this is what its mailbox must have room for. An agent
that leaves its pipe as it is cannot leave more than a thousand frames in it."""
_DRAIN_SECONDS = 1.0

Deliver = Callable[[int, Frame, int], None]
"""Takes a frame's number, the frame, and the bytes to release."""


class Streams:
    """The three streams of one child. All but `release` and `close` belong to one thread."""

    def __init__(self, deliver: Deliver) -> None:
        self.stdout = Tail()
        self.stderr = Tail()
        self.frame_count = 0
        self._frame_limit: int | None = None
        self._dropped_count = 0
        self._deliver = deliver
        self._parser = BlockParser()
        self._selector = selectors.PollSelector()
        self._request = memoryview(b"")
        self._has_exited = False
        self._guard = Lock()
        self._unreleased_bytes = 0
        self._is_paused = False
        self._wake: int | None = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    def pump(self, child: Child, request: bytes) -> None:
        """Write `request` and close the input, deliver frames as they come; returns when the child has exited."""
        self._request = memoryview(request)
        self._watch(child.stdin, selectors.EVENT_WRITE, lambda: self._write_request(child.stdin))
        self._watch(child.stdout, selectors.EVENT_READ, lambda: self._read_stdout(child.stdout))
        self._watch(child.stderr, selectors.EVENT_READ, lambda: self._read_stderr(child.stderr))
        self._watch(child.exit_signal, selectors.EVENT_READ, self._note_exit)
        if self._wake is not None:
            self._watch(self._wake, selectors.EVENT_READ, lambda: self._resume(child.stdout))
        self._write_request(child.stdin)
        while not self._has_exited:
            for key, _ in self._selector.select():
                key.data()

    def drain(self, child: Child) -> None:
        """Take what an exited child and its killed descendants left in their pipes, up to the end of both streams.

        Somebody who escaped may hold them open, or write on: neither is waited for beyond a limit. Frames beyond
        theirs are left out and counted in one `Noise` at the end.
        """
        self._frame_limit = self.frame_count + DRAIN_LIMIT_FRAMES
        deadline = time.monotonic() + _DRAIN_SECONDS
        taken = 0
        with selectors.PollSelector() as selector:
            selector.register(child.stdout, selectors.EVENT_READ, self._read_stdout)
            selector.register(child.stderr, selectors.EVENT_READ, self._read_stderr)
            while selector.get_map() and taken < _DRAIN_LIMIT_BYTES:
                ready = selector.select(max(0.0, deadline - time.monotonic()))
                if not ready:
                    break
                for key, _ in ready:
                    size = key.data(key.fileobj)
                    taken += size
                    if not size:
                        selector.unregister(key.fileobj)
        self._deliver_blocks(self._parser.close())
        if self._dropped_count:
            self._deliver_frame(Noise(f"{self._dropped_count} more frames at the agent's end"), LEAST_FRAME_BYTES)

    def release(self, size_bytes: int) -> None:
        """Frames of this many bytes are dealt with."""
        with self._guard:
            self._unreleased_bytes -= size_bytes
            if self._is_paused and self._wake is not None and self._unreleased_bytes <= UNRELEASED_LIMIT_BYTES:
                os.eventfd_write(self._wake, 1)

    def close(self) -> None:
        """Let go of what the streams need beside the child's descriptors."""
        self._selector.close()
        with self._guard:
            if self._wake is not None:
                os.close(self._wake)
                self._wake = None

    def _write_request(self, stream: IO[bytes]) -> None:
        if stream.closed:
            return
        try:
            while self._request:
                self._request = self._request[os.write(stream.fileno(), self._request) :]
        except BlockingIOError:
            return
        except BrokenPipeError:
            self._request = memoryview(b"")
        self._selector.unregister(stream)
        stream.close()

    def _read_stdout(self, stream: IO[bytes]) -> int:
        """Read once; how many bytes. At the end the stream is not watched any more."""
        chunk = self._read(stream)
        self.stdout.append(chunk)
        self._deliver_blocks(self._parser.feed(chunk))
        with self._guard:
            if self._unreleased_bytes > UNRELEASED_LIMIT_BYTES and not self._is_paused:
                self._is_paused = True
                self._unwatch(stream)
        return len(chunk)

    def _read_stderr(self, stream: IO[bytes]) -> int:
        chunk = self._read(stream)
        self.stderr.append(chunk)
        return len(chunk)

    def _read(self, stream: IO[bytes]) -> bytes:
        try:
            chunk = os.read(stream.fileno(), _CHUNK_BYTES)
        except BlockingIOError:
            return b""
        if not chunk:
            self._unwatch(stream)
        return chunk

    def _deliver_blocks(self, blocks: list[Block]) -> None:
        for frame, size in _merge_noise(blocks):
            if self._frame_limit is not None and self.frame_count >= self._frame_limit:
                self._dropped_count += 1
            else:
                self._deliver_frame(frame, max(size, LEAST_FRAME_BYTES))

    def _deliver_frame(self, frame: Frame, size: int) -> None:
        self.frame_count += 1
        with self._guard:
            self._unreleased_bytes += size
        self._deliver(self.frame_count, frame, size)

    def _resume(self, stdout: IO[bytes]) -> None:
        with self._guard:
            if self._wake is not None:
                os.eventfd_read(self._wake)
            if self._is_paused and self._unreleased_bytes <= UNRELEASED_LIMIT_BYTES:
                self._is_paused = False
                self._watch(stdout, selectors.EVENT_READ, lambda: self._read_stdout(stdout))

    def _note_exit(self) -> None:
        self._has_exited = True

    def _watch(self, stream: IO[bytes] | int, event: int, then: Callable[[], object]) -> None:
        self._selector.register(stream, event, then)

    def _unwatch(self, stream: IO[bytes]) -> None:
        with suppress(KeyError):
            self._selector.unregister(stream)


def _merge_noise(blocks: Iterable[Block]) -> Iterator[tuple[Frame, int]]:
    """The blocks' frames with their sizes, each stretch of noise as one that gives the reason of its first."""
    frames = ((block, 0) if isinstance(block, Noise) else (parse_frame(block), len(block)) for block in blocks)
    for is_noise, stretch in groupby(frames, lambda read: isinstance(read[0], Noise)):
        if not is_noise:
            yield from stretch
            continue
        (first, size), *others = stretch
        yield first, size + sum(size for _, size in others)
