"""Reads the input object on standard input, drives a runtime turn by turn, takes follow-ups until told to close."""

from __future__ import annotations

import os

from .echo import Echo
from .frames import STDERR, FrameWriter, write_all
from .inbox import FollowUp, Inbox
from .wire import loads

_CHUNK_BYTES = 1 << 16
_STDIN = 0
_BAD_INPUT = 2
_SCHEDULED = (
    "[SCHEDULED TASK - The following message was sent automatically and is not coming directly from the user or group.]"
)
"""Before the prompt of a task; the words are those of the existing system's containers (original.md §9.8)."""


def main() -> int:
    """The exit code: 0 after the close sentinel, 1 when a turn failed, 2 when the input is unusable."""
    try:
        request = loads(_read_all(_STDIN).decode("utf-8"))
        prompt, session_id, input_id = (request["prompt"], request.get("sessionId"), request.get("inputId"))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        write_all(f"the input on stdin is unusable: {error!r}\n".encode(), STDERR)
        return _BAD_INPUT
    inbox = Inbox(os.environ.get("INTERCOM_INPUT_DIR", "/workspace/ipc/input"))
    first = FollowUp(f"{_SCHEDULED}\n\n{prompt}" if request.get("isScheduledTask") is True else prompt, input_id)
    if request.get("runtime", Echo.model) != Echo.model:
        return _drive(request, first, inbox)
    frames = FrameWriter(session_id or _new_session_id())
    frames.announce(Echo.model)
    runtime = Echo(frames)
    given: FollowUp | None = first
    while given is not None:
        frames.answers = [] if given.input_id is None else [given.input_id]
        if not runtime.turn(given.text):
            return 1
        frames.turn_ended()
        given = inbox.wait()
    return 0


def _drive(request: dict[str, object], first: FollowUp, inbox: Inbox) -> int:
    """A runtime that drives somebody else's program. Its modules are imported here: `echo` is to start in 10 ms."""
    from .assignment import read_assignment
    from .runtimes import RUNTIMES, converse

    try:
        assignment = read_assignment(request)
    except (KeyError, TypeError, AttributeError) as error:
        write_all(f"the input on stdin is unusable: {error!r}\n".encode(), STDERR)
        return _BAD_INPUT
    if assignment.runtime not in RUNTIMES:
        write_all(f"there is no runtime {assignment.runtime!r}\n".encode(), STDERR)
        return _BAD_INPUT
    return converse(assignment, first, inbox, FrameWriter(assignment.session_id))


def _read_all(descriptor: int) -> bytes:
    chunks = []
    while chunk := os.read(descriptor, _CHUNK_BYTES):
        chunks.append(chunk)
    return b"".join(chunks)


def _new_session_id() -> str:
    """A random UUID (version 4), without the import of `uuid`."""
    digits = bytearray(os.urandom(16))
    digits[6] = digits[6] & 0x0F | 0x40
    digits[8] = digits[8] & 0x3F | 0x80
    text = digits.hex()
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))
