"""Frames: marked JSON blocks on standard output, one write per block, and nothing else there.

Protocol 2: results and ends of turns say which inputs they answer, and a turn has an explicit end.
"""

from __future__ import annotations

import os

from .wire import dumps

START = "---INTERCOM_OUTPUT_START---"
END = "---INTERCOM_OUTPUT_END---"
PROTOCOL = 2
STDOUT = 1
STDERR = 2


class FrameWriter:
    """Writes what the agent has to say in the session `session_id`, None before it has one, in answer to `answers`."""

    def __init__(self, session_id: str | None) -> None:
        self.session_id = session_id
        self.answers: list[str] = []

    def announce(self, model: str) -> None:
        self._write({"status": "success", "result": None, "protocol": PROTOCOL, "model": model})

    def text_delta(self, text: str) -> None:
        self._write({"status": "success", "result": None, "event": {"type": "text_delta", "text": text}})

    def tool_start(self, tool: str, tool_input: str) -> None:
        event = {"type": "tool_start", "toolName": tool, "toolInput": tool_input}
        self._write({"status": "success", "result": None, "event": event})

    def result(self, text: str) -> None:
        self._write({"status": "success", "result": text, **self._turn()})

    def turn_ended(self, usage: dict[str, float] | None = None) -> None:
        """`usage`: inputTokens, cachedInputTokens, outputTokens, costUsd, as far as they are known."""
        known = {} if usage is None else {"usage": usage}
        self._write({"status": "success", "result": None, "turnEnded": True, **known, **self._turn()})

    def session_lost(self, session_id: str) -> None:
        """The conversation `session_id` is not known any more: what follows begins a new one."""
        self._write({"status": "success", "result": None, "event": {"type": "session_lost", "sessionId": session_id}})

    def failed(self, error: str, notice: str | None = None, *, is_final: bool = False) -> None:
        """`notice` is for people; `is_final`: trying again will not help."""
        told = {} if notice is None else {"notice": notice, "isFinal": is_final}
        self._write({"status": "error", "result": None, "error": error, **told, **self._turn()})

    def _turn(self) -> dict[str, object]:
        session = {} if self.session_id is None else {"newSessionId": self.session_id}
        return {**session, "answers": self.answers}

    def _write(self, frame: dict[str, object]) -> None:
        write_all(render_frame(frame))


def render_frame(frame: dict[str, object]) -> bytes:
    """The block of a frame. A marker inside a text is escaped, so that no text can open or close a block."""
    body = dumps(frame).replace("---INTERCOM", "\\u002d--INTERCOM")
    return f"{START}\n{body}\n{END}\n".encode("ascii")


def write_all(data: bytes, descriptor: int = STDOUT) -> None:
    """Write all of `data`; a pipe may take it in pieces."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
