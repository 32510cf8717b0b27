"""What a run asks of a runtime: the fields of the input object that are not about one turn, and where things are."""

from __future__ import annotations

import os
import re
from typing import Any, NamedTuple

_SESSION_ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,127}")
_SILENCE_SECONDS = 270.0


class Assignment(NamedTuple):
    """`silence_seconds` is how long a program may show no progress before we end it, shortly before the host would."""

    runtime: str
    model: str | None
    session_id: str | None
    assistant_name: str
    silence_seconds: float
    group_dir: str
    global_dir: str
    home: str
    gateway_socket: str | None


def read_assignment(request: Any) -> Assignment:
    """From the input object and the environment; a session id that no program makes counts as none."""
    session_id = request.get("sessionId")
    is_usable = isinstance(session_id, str) and _SESSION_ID.fullmatch(session_id) is not None
    timeout_ms = request.get("timeoutMs")
    return Assignment(
        runtime=request["runtime"],
        model=request.get("model"),
        session_id=session_id if is_usable else None,
        assistant_name=request.get("assistantName") or "the assistant",
        silence_seconds=timeout_ms / 1000 if isinstance(timeout_ms, (int, float)) else _SILENCE_SECONDS,
        group_dir=os.environ.get("INTERCOM_GROUP_DIR", "/workspace/group"),
        global_dir=os.environ.get("INTERCOM_GLOBAL_DIR", "/workspace/global"),
        home=os.environ["HOME"],
        gateway_socket=os.environ.get("INTERCOM_GATEWAY_SOCKET"),
    )
