"""Puts a tool call to the host and waits for the answer, through files (original.md §11.3).

    queries/<uuid>.json     {"uuid", "type": the tool's name, "params", "timestamp"}, written aside and renamed
    responses/<uuid>.json   {"status": "ok" | "error", "result": text}, removed once read

The uuid is what makes a call count once. A call that got no answer is taken back, and nobody knows whether it was done;
so its uuid is kept, and the same call asked again goes under the same uuid: the host then does it if it was not done,
and gives the first answer if it was.
"""

from __future__ import annotations

import json
import os
import threading
import time
import uuid
from contextlib import suppress

from .tool_schema import find_problems
from .tools import TOOL_BY_NAME, Tool

DEADLINE_SECONDS = 30.0
_DIRECTORY_INSIDE = "/workspace/ipc"
_PAUSE_SECONDS = 0.05
_REMEMBERED_SECONDS = 600.0


class Answer:
    """What the agent is told."""

    def __init__(self, text: str, *, is_error: bool) -> None:
        self.text = text
        self.is_error = is_error


CANCELLED = Answer("the call was cancelled; it may or may not have been done", is_error=True)


def ipc_directory() -> str:
    """Where the files of calls are."""
    return os.environ.get("INTERCOM_IPC_DIR", _DIRECTORY_INSIDE)


class ToolClient:
    """Calls tools through `directory`; one client serves many threads."""

    def __init__(self, directory: str, deadline_seconds: float = DEADLINE_SECONDS) -> None:
        self._directory = directory
        self._deadline_seconds = deadline_seconds
        self._lock = threading.Lock()
        self._unanswered: dict[str, tuple[str, float]] = {}
        """The uuid of a call without an answer, by tool and arguments, and until when it is kept."""

    def call(self, name: str, arguments: object, cancelled: threading.Event | None = None) -> Answer:
        """Check the arguments, ask the host, and wait for its answer, `deadline_seconds` at most.

        `CANCELLED` when the event was set before there was an answer. An unknown tool, arguments against the schema,
        and a host out of reach are answers too, marked as errors.
        """
        tool = TOOL_BY_NAME.get(name)
        if tool is None:
            return _nothing_done(f"there is no tool {name!r}; the tools are {', '.join(TOOL_BY_NAME)}")
        problems = find_problems(tool.schema, arguments)
        if problems:
            return _nothing_done(f"{name} was called wrongly:\n" + "\n".join(problems))
        try:
            params = json.dumps(arguments, sort_keys=True, allow_nan=False)
        except (ValueError, RecursionError) as error:
            return _nothing_done(f"the arguments cannot be written as JSON: {error}")
        return self._ask(tool, params, cancelled or threading.Event())

    def _ask(self, tool: Tool, params: str, cancelled: threading.Event) -> Answer:
        call = f"{tool.name} {params}"
        identifier = self._take_unanswered(call) or str(uuid.uuid4())
        query = os.path.join(self._directory, "queries", f"{identifier}.json")
        response = os.path.join(self._directory, "responses", f"{identifier}.json")
        answer = _take_response(response)  # it may have come after all since the call was last made
        if answer is not None:
            return answer
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        try:
            with open(f"{query}.tmp", "w", encoding="ascii") as file:
                file.write(f'{{"uuid":"{identifier}","type":"{tool.name}","params":{params},"timestamp":"{stamp}"}}')
            os.rename(f"{query}.tmp", query)
        except OSError as error:
            return _nothing_done(f"the host cannot be reached: {error}")
        ends_at = time.monotonic() + self._deadline_seconds
        while time.monotonic() < ends_at and not cancelled.wait(_PAUSE_SECONDS):
            answer = _take_response(response)
            if answer is not None:
                return answer
        if not tool.is_reading:
            self._keep_unanswered(call, identifier)
        _remove(query)
        if cancelled.is_set():
            return CANCELLED
        text = f"the host gave no answer within {self._deadline_seconds:g} s"
        if tool.is_reading:
            return Answer(f"{text}; try again later", is_error=True)
        return Answer(
            f"{text}. It may or may not have been done. To find out, call {tool.name} again with exactly the same "
            "arguments: however often you do, it is done once.",
            is_error=True,
        )

    def _take_unanswered(self, call: str) -> str | None:
        with self._lock:
            identifier, kept_until = self._unanswered.pop(call, ("", 0.0))
        return identifier if time.monotonic() < kept_until else None

    def _keep_unanswered(self, call: str, identifier: str) -> None:
        now = time.monotonic()
        with self._lock:
            self._unanswered = {key: kept for key, kept in self._unanswered.items() if now < kept[1]}
            self._unanswered[call] = (identifier, now + _REMEMBERED_SECONDS)


def _nothing_done(why: str) -> Answer:
    return Answer(f"nothing was done: {why}", is_error=True)


def _take_response(path: str) -> Answer | None:
    """The host's answer, which is removed, or None while there is none."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            text = file.read()
    except FileNotFoundError:
        return None
    except OSError as error:
        return Answer(f"it may have been done, but the host's answer cannot be read: {error}", is_error=True)
    _remove(path)
    try:
        answer = json.loads(text)
        return Answer(str(answer["result"]), is_error=answer["status"] != "ok")
    except (ValueError, KeyError, TypeError, RecursionError):
        return Answer(f"it may have been done, but the host's answer is unusable: {text[:200]}", is_error=True)


def _remove(path: str) -> None:
    with suppress(OSError):  # it is gone, or nothing can be done about it
        os.unlink(path)
