"""Programs that run one turn and end: `codex` and `gemini`. What comes meanwhile is the next turn (hazard B-115)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from .events import Answered, Failed, SessionGone
from .process import Process

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .assignment import Assignment
    from .conversation import Narrator
    from .events import Event
    from .frames import FrameWriter
    from .inbox import FollowUp, Inbox
    from .programs import Codex, Gemini

    class Stream(Protocol):
        """Reads what one process prints."""

        def feed(self, line: bytes) -> Iterator[Event]: ...

        def end(self, exit_code: int | None, errors: str) -> Event:
            """What it means that the process ended and the turn had not: `Failed` or `SessionGone`."""
            ...


_PUMP_SECONDS = 0.5


class OneShot:
    """Answers turn by turn, each in a process of its own that goes on with the session of the one before."""

    def __init__(
        self, program: Codex | Gemini, new_stream: Callable[[], Stream], assignment: Assignment, narrator: Narrator
    ) -> None:
        self._program = program
        self._new_stream = new_stream
        self._assignment = assignment
        self._narrator = narrator

    def converse(self, first: FollowUp, inbox: Inbox, frames: FrameWriter) -> int:
        """The exit code of the agent: 0 after the close sentinel, 1 when a turn failed."""
        given: FollowUp | None = first
        while given is not None:
            frames.answers = [] if given.input_id is None else [given.input_id]
            if not self._turn(given.text, frames.session_id):
                return 1
            given = inbox.wait()
        return 0

    def _turn(self, text: str, session_id: str | None) -> bool:
        last = self._attempt(text, session_id)
        if isinstance(last, SessionGone) and session_id is not None:
            self._narrator.tell_lost(session_id)
            last = self._attempt(text, None)
        if isinstance(last, SessionGone):
            last = Failed("the program began no session")
        if isinstance(last, Failed):
            self._narrator.fail(last)
        return isinstance(last, Answered)

    def _attempt(self, text: str, session_id: str | None) -> Event | None:
        """The event that ended the turn, None when it took too long; all but a failure is told already."""
        process = Process(self._program.argv(session_id), self._program.environment, self._assignment.group_dir)
        try:
            return self._follow(process, text)
        finally:
            process.kill()

    def _follow(self, process: Process, text: str) -> Event | None:
        self._narrator.expect()
        process.write(text)
        process.end_input()
        stream = self._new_stream()
        while not process.is_over:
            for line in process.pump(_PUMP_SECONDS):
                for event in stream.feed(line):
                    if isinstance(event, (Failed, SessionGone)):
                        return event
                    self._narrator.tell(event)
                    if isinstance(event, Answered):
                        process.end()
                        return event
            if self._narrator.has_waited_too_long:
                self._narrator.fail_for_silence()
                return None
        return stream.end(process.exit_code, process.errors)
