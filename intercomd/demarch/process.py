"""One run of a command-line tool: no shell, a deadline, bounded output."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import IO

from intercomd.errors import IntercomError

_MAX_BYTES = 1024 * 1024
_CHUNK_BYTES = 64 * 1024
_REAP_SECONDS = 5


class ToolFailed(IntercomError):
    """The tool could not be started, took too long, or said too much."""


@dataclass(frozen=True, slots=True)
class ToolRun:
    """How a tool ended; both texts are trimmed. `exit_code` is negative for a signal."""

    exit_code: int
    output: str
    errors: str


def run_tool(argv: Sequence[str], folder: Path, environment: Mapping[str, str], deadline: timedelta) -> ToolRun:
    """Run a program to its end, in a process group of its own that is killed when it is not done in time.

    Raises `ToolFailed`.
    """
    name = Path(argv[0]).name
    until = time.monotonic() + deadline.total_seconds()
    try:
        process = subprocess.Popen(
            argv,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        raise ToolFailed(f"cannot run {name}: {error.strerror}") from error
    assert process.stdout is not None
    assert process.stderr is not None
    with process.stdout as output, process.stderr as errors:
        try:
            said = _read_all(name, (output, errors), until)
            exit_code = process.wait(max(0.0, until - time.monotonic()))
        except (subprocess.TimeoutExpired, ToolFailed) as error:
            _kill(process)
            if isinstance(error, ToolFailed):
                raise
            raise ToolFailed(f"{name} did not answer within {deadline.total_seconds():g} s") from None
    return ToolRun(exit_code, *(text.decode(errors="replace").strip() for text in said))


def _kill(process: subprocess.Popen[bytes]) -> None:
    """SIGKILL to the process group; its leader is not reaped yet, so the number is still its own."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(_REAP_SECONDS)


def _read_all(name: str, streams: tuple[IO[bytes], IO[bytes]], until: float) -> list[bytes]:
    """Both streams to their end; raises `subprocess.TimeoutExpired` and `ToolFailed`."""
    said = {stream: bytearray() for stream in streams}
    with selectors.DefaultSelector() as selector:
        for stream in streams:
            selector.register(stream, selectors.EVENT_READ)
        while selector.get_map():
            remaining = until - time.monotonic()
            ready = selector.select(remaining) if remaining > 0 else []
            if not ready:
                raise subprocess.TimeoutExpired(name, 0)
            for key, _ in ready:
                chunk = os.read(key.fd, _CHUNK_BYTES)
                if not chunk:
                    selector.unregister(key.fileobj)
                    continue
                text = said[key.fileobj]  # type: ignore[index]  # the streams that were registered
                text += chunk
                if len(text) > _MAX_BYTES:
                    raise ToolFailed(f"{name} wrote more than {_MAX_BYTES // 1024} KiB")
    return [bytes(said[stream]) for stream in streams]
