"""The program that takes texts while it works: `claude`. One process for the whole run.

Every text carries a key of ours; the program says when it gives a text to the model. A result answers the texts given
since the last one: a follow-up that came in time is answered together with the request before it, one that came too
late opens a turn of its own, and none is left out (hazard B-115).
"""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING

from .claude_stream import ClaudeStream
from .events import Answered, Failed, SessionGone, TakenUp
from .process import Process

if TYPE_CHECKING:
    from .assignment import Assignment
    from .conversation import Narrator
    from .events import Event
    from .frames import FrameWriter
    from .inbox import FollowUp, Inbox
    from .programs import Claude

_PUMP_SECONDS = 0.05


class Streaming:
    """Drives one process, and another one when it does not know the session."""

    def __init__(self, program: Claude, assignment: Assignment, narrator: Narrator) -> None:
        self._program = program
        self._assignment = assignment
        self._narrator = narrator
        self._stream = ClaudeStream()
        self._waiting: dict[str, FollowUp] = {}
        """Handed over and not yet before the model, by key, in order."""
        self._before_model: list[FollowUp] = []

    def converse(self, first: FollowUp, inbox: Inbox, frames: FrameWriter) -> int:
        """The exit code of the agent: 0 after the close sentinel, 1 when a turn failed."""
        process = self._start(frames.session_id)
        try:
            self._give(process, first)
            while not process.is_over:
                for event in self._events(process):
                    if isinstance(event, SessionGone) and frames.session_id is not None:
                        process = self._start_anew(process, frames.session_id)
                        break
                    if isinstance(event, (Failed, SessionGone)):
                        return self._fail(event, frames)
                    self._take(event, frames)
                if self._is_busy and self._narrator.has_waited_too_long:
                    frames.answers = self._all_answers()
                    self._narrator.fail_for_silence()
                    return 1
                self._look(process, inbox)
            if self._is_busy:
                return self._fail(Failed(_last_words(process)), frames)
            return 0
        finally:
            process.kill()

    @property
    def _is_busy(self) -> bool:
        return bool(self._waiting or self._before_model)

    def _start(self, session_id: str | None) -> Process:
        return Process(self._program.argv(session_id), self._program.environment, self._assignment.group_dir)

    def _start_anew(self, process: Process, session_id: str) -> Process:
        """Without the session that is not known any more, and with all that was handed over."""
        process.kill()
        self._narrator.tell_lost(session_id)
        fresh = self._start(None)
        given = list(self._waiting.values())
        self._waiting.clear()
        for follow_up in given:
            self._give(fresh, follow_up)
        return fresh

    def _give(self, process: Process, follow_up: FollowUp) -> None:
        key = str(uuid.uuid4())
        message = {"role": "user", "content": follow_up.text}
        if not self._is_busy:
            self._narrator.expect()
        self._waiting[key] = follow_up
        process.write(json.dumps({"type": "user", "message": message, "uuid": key}) + "\n")

    def _events(self, process: Process) -> list[Event]:
        return [event for line in process.pump(_PUMP_SECONDS) for event in self._stream.feed(line)]

    def _take(self, event: Event, frames: FrameWriter) -> None:
        if isinstance(event, TakenUp):
            follow_up = self._waiting.pop(event.key, None)
            if follow_up is not None:
                self._before_model.append(follow_up)
        if isinstance(event, Answered):
            frames.answers = _ids(self._before_model)
            self._before_model.clear()
        self._narrator.tell(event)

    def _look(self, process: Process, inbox: Inbox) -> None:
        """Hand over what has come; end the program once there is nothing more and it is done."""
        if inbox.is_closed:
            if not self._is_busy:
                process.end()
            return
        follow_up = inbox.take()
        if follow_up is not None:
            self._give(process, follow_up)

    def _fail(self, event: Failed | SessionGone, frames: FrameWriter) -> int:
        frames.answers = self._all_answers()
        self._narrator.fail(event if isinstance(event, Failed) else Failed("the program began no session"))
        return 1

    def _all_answers(self) -> list[str]:
        return _ids([*self._before_model, *self._waiting.values()])


def _ids(given: list[FollowUp]) -> list[str]:
    return [follow_up.input_id for follow_up in given if follow_up.input_id is not None]


def _last_words(process: Process) -> str:
    return process.errors.strip() or f"claude exited with code {process.exit_code} and without an answer"
