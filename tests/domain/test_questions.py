"""What may be asked, how a chat is shown it, and which texts answer it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intercomd.domain.chat import Group, IncomingMessage, MessageKind
from intercomd.domain.ids import ChatJid, Folder, QuestionId
from intercomd.domain.intake import Judgement, judge
from intercomd.domain.questions import (
    NewQuestion,
    Question,
    QuestionState,
    check_question,
    find_choice,
    parse_press,
    question_buttons,
    question_text,
)
from intercomd.errors import InvalidInput

JID = ChatJid("tg:1")
NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
COLOURS = ("Red", "Dark  blue", "7")
NEW = NewQuestion(QuestionId("q-1"), Folder("cooks"), " Which colour? ", COLOURS)
ASKED = Question(QuestionId("q-1"), JID, "Which colour?", COLOURS, QuestionState.OPEN, NOON)


def test_question_is_shown_with_numbers_and_buttons() -> None:
    """Every channel shows numbers; buttons name question and number in the 64 bytes that Telegram takes."""
    assert question_text(NEW) == "Which colour?\n\n1. Red\n2. Dark blue\n3. 7\n\nAnswer with the number."
    assert [(button.label, button.data) for button in question_buttons(NEW)] == [
        ("Red", "answer:q-1:1"),
        ("Dark blue", "answer:q-1:2"),
        ("7", "answer:q-1:3"),
    ]
    assert parse_press("q-1:2") == ("q-1", 1)


@pytest.mark.parametrize("target", ["", "q-1", "q-1:", "q-1:0", "q-1:12", "q 1:1", ":1", "q-1:1\n", "q" * 49 + ":1"])
def test_strange_button_data_names_nothing(target: str) -> None:
    """Data that we did not make is not read."""
    assert parse_press(target) is None


@pytest.mark.parametrize(
    ("content", "choice"),
    [
        ("1", 0),
        (" 2. ", 1),
        ("#2", 1),
        ("3)", 2),
        ("red", 0),
        ("DARK BLUE", 1),
        ("7", 2),
        ("0", None),
        ("4", None),
        ("77", None),
        ("1 or 2", None),
        ("red please", None),
        ("", None),
        ("٢", None),
    ],
)
def test_choice_is_made_by_words_or_number(content: str, choice: int | None) -> None:
    """Case and spaces do not matter, nothing else is guessed; words come before numbers."""
    assert find_choice(COLOURS, content) == choice


@given(st.lists(st.text(min_size=1, max_size=80).filter(str.strip), min_size=2, max_size=8))
def test_every_choice_that_may_be_asked_can_be_made(choices: list[str]) -> None:
    """Writing a choice's words makes that choice, whatever the others are."""
    try:
        check_question("Which?", choices)
    except InvalidInput:
        return
    assert [find_choice(choices, choice) for choice in choices] == list(range(len(choices)))


@pytest.mark.parametrize(
    ("text", "choices", "problem"),
    [
        (" ", ["a", "b"], "question: must have 1 to 2000 characters"),
        ("x" * 2001, ["a", "b"], "question: must have 1 to 2000 characters"),
        ("?", ["a"], "choices: must be 2 to 8, not 1"),
        ("?", list("abcdefghi"), "choices: must be 2 to 8, not 9"),
        ("?", ["a", " "], "choices: must have 1 to 80 characters each"),
        ("?", ["a", "x" * 81], "choices: must have 1 to 80 characters each"),
        ("?", ["Yes", "yes "], "choices: must differ in more than upper and lower case and spaces"),
    ],
)
def test_what_cannot_be_asked_is_refused(text: str, choices: list[str], problem: str) -> None:
    """Each refusal names the field and what is allowed."""
    with pytest.raises(InvalidInput) as caught:
        check_question(text, choices)
    assert str(caught.value) == problem


@pytest.mark.parametrize(
    ("content", "judged"),
    [
        ("2", Judgement(MessageKind.REQUEST, 1)),
        ("@Ada 2", Judgement(MessageKind.REQUEST, 1)),
        ("@ada, dark blue", Judgement(MessageKind.REQUEST, 1)),
        ("@Ada what?", Judgement(MessageKind.REQUEST)),
        ("green", Judgement(MessageKind.CONTEXT)),
        ("/reset", Judgement(MessageKind.COMMAND)),
        (" ", Judgement(MessageKind.CONTEXT)),
    ],
)
def test_answer_is_a_request_without_the_trigger(content: str, judged: Judgement) -> None:
    """In a group that needs the trigger, an answer to the open question is a request, and nothing else changes."""
    group = Group(JID, "Cooks", Folder("cooks"))
    message = IncomingMessage(JID, "1", "u", "Ann", content, NOON)
    assert judge(group, message, ASKED, "Ada", "main") == judged


def test_answer_needs_a_question_a_group_and_a_person() -> None:
    """Without an open question a number is context; strangers' chats and the assistant's own texts answer nothing."""
    group = Group(JID, "Cooks", Folder("cooks"))
    message = IncomingMessage(JID, "1", "u", "Ann", "2", NOON)
    own = IncomingMessage(JID, "1", "u", "Ada", "2", NOON, is_bot=True)
    assert judge(group, message, None, "Ada", "main") == Judgement(MessageKind.CONTEXT)
    assert judge(None, message, ASKED, "Ada", "main") == Judgement(MessageKind.CONTEXT)
    assert judge(group, own, ASKED, "Ada", "main") == Judgement(MessageKind.BOT)


def test_question_is_open_for_a_day() -> None:
    """To the instant, and only while it is open."""
    assert ASKED.is_answerable(NOON + timedelta(days=1, microseconds=-1))
    assert not ASKED.is_answerable(NOON + timedelta(days=1))
