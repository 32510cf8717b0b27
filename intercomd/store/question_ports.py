"""What is asked of the store about questions with choices. The rules of `store/ports.py` hold here too."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from intercomd.domain.ids import ChatJid
from intercomd.domain.questions import ChoicePress, NewQuestion, PressOutcome, Question


class Questions(Protocol):
    """Questions that agents ask. A text that answers one is found where texts are stored (`ChatLog.ingest`)."""

    def ask(self, question: NewQuestion, now: datetime) -> Question:
        """Ask in the group's chat: the text goes into the outbox with a button per choice, and takes the place of the
        question that was open there. A known id changes nothing. Raises `NotFound` for an unknown folder."""
        ...

    def press(self, press: ChoicePress, now: datetime) -> PressOutcome:
        """Store the choice as a request of the presser, and close the question. The same press again has the same
        answer; a press of a question that is not open stores nothing."""
        ...

    def find_open(self, chat_jid: ChatJid, now: datetime) -> Question | None: ...
