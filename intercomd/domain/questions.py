"""Questions that agents ask a chat, with choices: how they are shown, and what answers them.

One question is open per chat at a time. It lapses when it is answered, when another one is asked, when the conversation
is cleared, and after a day: a number in a chat is an everyday text, and one that is written next week answers nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from intercomd.domain.ids import ChatJid, Folder, QuestionId, RunId, Seq
from intercomd.domain.outbox import Button
from intercomd.errors import InvalidInput

OPEN_FOR = timedelta(days=1)
LEAST_CHOICES = 2
MOST_CHOICES = 8
MOST_QUESTION_CHARACTERS = 2_000
MOST_CHOICE_CHARACTERS = 80
PRESS_ACTION = "answer"
"""What the data of a question's button begins with: `answer:<question>:<number>`."""

_NUMBER = re.compile(r"#?([0-9]{1,2})[.)]?")
_PRESS = re.compile(r"(?P<question>[A-Za-z0-9-]{1,48}):(?P<number>[1-9])", re.ASCII)


class QuestionState(StrEnum):
    """All but the first are final."""

    OPEN = "open"
    ANSWERED = "answered"
    REPLACED = "replaced"
    """Another question was asked in the chat."""
    DROPPED = "dropped"
    """The conversation was cleared, or the group removed."""
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class NewQuestion:
    """A question to ask; `question_id` is made before the first try and makes the write idempotent."""

    question_id: QuestionId
    folder: Folder
    text: str
    choices: tuple[str, ...]
    run_id: RunId | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """A question that was asked; `answer_seq` and `choice` (from 0) are there once it is answered."""

    question_id: QuestionId
    chat_jid: ChatJid
    text: str
    choices: tuple[str, ...]
    state: QuestionState
    asked_at: datetime
    answer_seq: Seq | None = None
    choice: int | None = None

    def is_answerable(self, now: datetime) -> bool:
        return self.state is QuestionState.OPEN and now - self.asked_at < OPEN_FOR

    @property
    def chosen(self) -> str | None:
        """The choice that was made, in its words."""
        return None if self.choice is None else self.choices[self.choice]


@dataclass(frozen=True, slots=True)
class ChoicePress:
    """A pressed button: `press_id` is the channel's own id of the press, `choice` counts from 0."""

    press_id: str
    chat_jid: ChatJid
    question_id: QuestionId
    choice: int
    sender: str
    sender_name: str


@dataclass(frozen=True, slots=True)
class PressOutcome:
    """What became of a press. `question` is as it stands now; None when the chat has no such question or choice, or
    may not answer since it is no group. `is_taken`: this press is the answer."""

    question: Question | None
    is_taken: bool = False


def check_question(text: str, choices: Sequence[str]) -> None:
    """Raise `InvalidInput` for what cannot be asked."""
    if not text.strip() or len(text) > MOST_QUESTION_CHARACTERS:
        raise InvalidInput("question", f"must have 1 to {MOST_QUESTION_CHARACTERS} characters")
    if not LEAST_CHOICES <= len(choices) <= MOST_CHOICES:
        raise InvalidInput("choices", f"must be {LEAST_CHOICES} to {MOST_CHOICES}, not {len(choices)}")
    for choice in choices:
        if not choice.strip() or len(choice) > MOST_CHOICE_CHARACTERS:
            raise InvalidInput("choices", f"must have 1 to {MOST_CHOICE_CHARACTERS} characters each")
    if len({_folded(choice) for choice in choices}) < len(choices):
        raise InvalidInput("choices", "must differ in more than upper and lower case and spaces")


def question_text(question: NewQuestion) -> str:
    """What the chat is shown; the same on every channel, with buttons or without."""
    lines = [f"{number}. {' '.join(choice.split())}" for number, choice in enumerate(question.choices, 1)]
    return "\n".join([question.text.strip(), "", *lines, "", "Answer with the number."])


def question_buttons(question: NewQuestion) -> tuple[Button, ...]:
    """One per choice, for channels that have buttons."""
    return tuple(
        Button(" ".join(choice.split()), f"{PRESS_ACTION}:{question.question_id}:{number}")
        for number, choice in enumerate(question.choices, 1)
    )


def parse_press(target: str) -> tuple[QuestionId, int] | None:
    """The question and the choice (from 0) that a button's data names after `answer:`; None for other data."""
    match = _PRESS.fullmatch(target)
    return None if match is None else (QuestionId(match["question"]), int(match["number"]) - 1)


def find_choice(choices: Sequence[str], content: str) -> int | None:
    """The choice that a text makes: its words, whatever their case, or its number. Words come first, since choices may
    be numbers themselves."""
    for index, choice in enumerate(choices):
        if _folded(choice) == _folded(content):
            return index
    match = _NUMBER.fullmatch(content.strip())
    number = 0 if match is None else int(match[1])
    return number - 1 if 1 <= number <= len(choices) else None


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()
