"""What the agent is told: the object on its standard input, follow-ups, the close sentinel (original.md §9.2, §8.4).

Files are made here and nowhere followed: a name that exists, or is a link, is refused (hazard B-46).
"""

from __future__ import annotations

import json
import os
from datetime import timedelta
from pathlib import Path

from intercomd.domain.ids import InputId
from intercomd.domain.models import ECHO
from intercomd.sandbox.port import AgentInput

SENTINEL = "_close"


def render_agent_input(agent_input: AgentInput) -> bytes:
    """The JSON object, keys in the order of the existing system; what is None or false by default is left out."""
    request: dict[str, object] = {"prompt": agent_input.prompt}
    if agent_input.session_id is not None:
        request["sessionId"] = agent_input.session_id
    request["groupFolder"] = agent_input.folder
    request["chatJid"] = agent_input.chat_jid
    request["isMain"] = agent_input.is_main
    if agent_input.is_scheduled_task:
        request["isScheduledTask"] = True
    request["assistantName"] = agent_input.assistant_name
    if agent_input.model is not None:
        request["model"] = agent_input.model
    request["secrets"] = dict(agent_input.secrets)
    if not agent_input.is_legacy:
        request |= _own_fields(agent_input)
    return json.dumps(request).encode("ascii")


def _own_fields(agent_input: AgentInput) -> dict[str, object]:
    """What came with protocol 2."""
    request: dict[str, object] = {"inputId": agent_input.input_id}
    if agent_input.runtime != ECHO.runtime:
        request["runtime"] = agent_input.runtime
    if agent_input.timeout is not None:
        request["timeoutMs"] = agent_input.timeout // timedelta(milliseconds=1)
    return request


class InputFiles:
    """The files of one run's input directory; their names rise, so order of names is order of delivery."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._count = 0

    def write_follow_up(self, input_id: InputId, text: str) -> None:
        """Make one follow-up file, whole or not at all; raises `OSError`."""
        self._count += 1
        body = json.dumps({"type": "message", "text": text, "inputId": input_id}).encode("ascii")
        path = self._directory / f"{self._count:013d}-input.json"
        draft = path.with_suffix(".tmp")
        self._create(draft, body)
        draft.rename(path)

    def write_sentinel(self) -> None:
        """Make the close sentinel; a second one changes nothing."""
        try:
            self._create(self._directory / SENTINEL, b"")
        except FileExistsError:
            return

    def _create(self, path: Path, body: bytes) -> None:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
        with open(descriptor, "wb") as file:
            file.write(body)
