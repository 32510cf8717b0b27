"""What all programs have in common: the frames that their events become, and how a turn fails."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from .complaints import complain, took_too_long
from .events import Answered, Failed, Opened, Piece, ToolUse, Waiting

if TYPE_CHECKING:
    from .assignment import Assignment
    from .complaints import Complaint
    from .events import Event
    from .frames import FrameWriter


class Narrator:
    """Tells the host what a program does, and watches how long it has done nothing.

    A session counts once something was said in it: one that never got that far may not be there the next time.
    """

    def __init__(self, assignment: Assignment, frames: FrameWriter) -> None:
        self._assignment = assignment
        self._frames = frames
        self._opened: str | None = None
        self._reason = ""
        self._heard = time.monotonic()
        self._has_spoken = False

    def expect(self) -> None:
        """Something was handed over: the time of the answer begins."""
        self._reason = ""
        self._heard = time.monotonic()

    @property
    def has_waited_too_long(self) -> bool:
        return time.monotonic() - self._heard > self._assignment.silence_seconds

    def tell(self, event: Event) -> None:
        """The frames of `event`, which is not the end of a turn without an answer."""
        if isinstance(event, Waiting):
            self._reason = event.reason
            return
        self._heard = time.monotonic()
        if isinstance(event, Opened):
            self._opened = event.session_id
        elif isinstance(event, Piece):
            self._keep_session()
            self._frames.text_delta("\n\n" + event.text if event.is_apart and self._has_spoken else event.text)
            self._has_spoken = True
        elif isinstance(event, ToolUse):
            self._keep_session()
            self._frames.tool_start(event.tool, event.tool_input)
        elif isinstance(event, Answered):
            self._keep_session()
            self._has_spoken = False
            if event.text:
                self._frames.result(event.text)
            self._frames.turn_ended(event.usage)

    def tell_lost(self, session_id: str) -> None:
        """The program does not know the session that it was to go on with."""
        self._frames.session_id = None
        self._frames.session_lost(session_id)

    def fail(self, failed: Failed) -> None:
        self.complain(complain(self._assignment.runtime, failed, self._assignment.model))

    def fail_for_silence(self) -> None:
        waited = self._assignment.silence_seconds
        self.complain(took_too_long(self._assignment.runtime, waited, self._reason))

    def complain(self, complaint: Complaint) -> None:
        self._frames.failed(complaint.error, complaint.notice, is_final=complaint.is_final)

    def _keep_session(self) -> None:
        if self._opened is not None:
            self._frames.session_id = self._opened
