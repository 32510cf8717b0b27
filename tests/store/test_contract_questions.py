"""Questions with choices, on every engine: asked once, answered once, by whom and how long."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from intercomd.domain.chat import AnsweredQuestion, Ingested, MessageKind
from intercomd.domain.ids import ChatJid, Folder, InputId, QuestionId, RunId
from intercomd.domain.outbox import Button
from intercomd.domain.questions import ChoicePress, NewQuestion, PressOutcome, Question, QuestionState
from intercomd.errors import NotFound
from intercomd.store.ports import InputLimits
from tests.store.household import COOKS, KITCHEN, NOON, PROMPT, RUN, Household
from tests.support.waiting import join

GARDEN = ChatJid("local:garden")
FIRST = QuestionId("q-1")


@pytest.fixture
def cooks(house: Household) -> Household:
    """A group that answers to its trigger only."""
    house.register(COOKS, KITCHEN, requires_trigger=True)
    return house


def ask(house: Household, question_id: QuestionId = FIRST, run_id: RunId | None = None) -> Question:
    return house.store.questions.ask(NewQuestion(question_id, COOKS, "Which?", ("Red", "Blue"), run_id), house.now)


def press(
    house: Household, press_id: str = "p1", *, choice: int = 1, question_id: QuestionId = FIRST, jid: ChatJid = KITCHEN
) -> PressOutcome:
    return house.store.questions.press(ChoicePress(press_id, jid, question_id, choice, "u2", "Zoe"), house.now)


def state(house: Household) -> QuestionState:
    """Of the first question; asking it again changes nothing and shows it."""
    return ask(house).state


def codes(house: Household) -> list[str]:
    """What was decided about questions, oldest first."""
    events = reversed(house.store.events.list_recent(KITCHEN, 100))
    return [event.code for event in events if event.code.startswith("question.")]


def test_ask_sends_the_question_once_with_a_button_per_choice(cooks: Household) -> None:
    """The same id again, also after the answer, sends nothing more."""
    asked = ask(cooks, run_id=RUN)
    assert (asked.chat_jid, asked.choices, asked.state) == (KITCHEN, ("Red", "Blue"), QuestionState.OPEN)
    assert ask(cooks) == asked == cooks.store.questions.find_open(KITCHEN, NOON)
    (row,) = cooks.claim()
    assert (row.text, row.run_id) == ("Which?\n\n1. Red\n2. Blue\n\nAnswer with the number.", RUN)
    assert row.buttons == (Button("Red", "answer:q-1:1"), Button("Blue", "answer:q-1:2"))
    assert codes(cooks) == ["question.asked"]


def test_ask_for_an_unknown_group_is_refused(house: Household) -> None:
    """Nothing is stored for a folder that nobody has."""
    with pytest.raises(NotFound):
        house.store.questions.ask(NewQuestion(FIRST, Folder("nobody"), "Which?", ("a", "b")), NOON)


@pytest.mark.parametrize("content", ["2", "blue", "@Ada blue"])
def test_text_answers_without_the_trigger_once(cooks: Household, content: str) -> None:
    """It is a request; the next such text is what it always was."""
    ask(cooks)
    assert cooks.say("m1", content).kind is MessageKind.REQUEST
    assert state(cooks) is QuestionState.ANSWERED and ask(cooks).chosen == "Blue"
    assert cooks.say("m1", content).kind is MessageKind.REQUEST
    assert cooks.say("m2", "2").kind is MessageKind.CONTEXT
    assert cooks.progress().last_request_seq == 1
    assert codes(cooks) == ["question.asked", "question.answered"]


def test_prompt_says_what_an_answer_answers(cooks: Household) -> None:
    """An agent that did not ask sees the question beside the number, the second time too."""
    ask(cooks)
    cooks.say("m1", "nonsense")
    cooks.say("m2", "2")
    for _ in range(2):
        messages = cooks.open().prompt.messages
        assert [message.answers for message in messages] == [None, AnsweredQuestion("Which?", "Blue")]


def test_answer_reaches_a_running_agent_as_a_follow_up(cooks: Household) -> None:
    """A press while the agent that asked is still there goes to it."""
    cooks.say("m1", "@Ada hello")
    cooks.open()
    ask(cooks, run_id=RUN)
    cooks.record(replies=("asked",), settles=(PROMPT,))
    assert press(cooks).is_taken
    follow_up = cooks.store.runs.open_follow_up(RUN, InputId("input-2"), InputLimits(), NOON)
    assert follow_up is not None
    (message,) = follow_up.messages
    assert (message.content, message.sender_name) == ("Blue", "Zoe")
    assert message.answers == AnsweredQuestion("Which?", "Blue")


def test_press_is_taken_once(cooks: Household) -> None:
    """The same press again says the same; another one hears that it is late, and nothing is stored for it."""
    ask(cooks)
    taken = press(cooks)
    assert taken.is_taken and taken.question is not None and taken.question.chosen == "Blue"
    assert press(cooks) == taken
    late = press(cooks, "p2", choice=0)
    assert not late.is_taken and late.question == taken.question
    assert cooks.contents() == ["Blue"]
    assert cooks.progress().has_pending
    assert codes(cooks) == ["question.asked", "question.answered", "question.not_answered"]


@pytest.mark.parametrize(
    ("choice", "question_id", "jid"),
    [(1, FIRST, GARDEN), (1, QuestionId("q-9"), KITCHEN), (2, FIRST, KITCHEN), (1, FIRST, ChatJid("local:nobody"))],
)
def test_press_from_elsewhere_or_of_nothing_is_refused(
    cooks: Household, choice: int, question_id: QuestionId, jid: ChatJid
) -> None:
    """Another group's chat, a stranger's, an unknown question and a choice that is none change nothing."""
    cooks.register(Folder("gardeners"), GARDEN)
    ask(cooks)
    assert not press(cooks, choice=choice, question_id=question_id, jid=jid).is_taken
    assert state(cooks) is QuestionState.OPEN
    assert cooks.contents() == [] and not cooks.progress().has_pending


def test_press_in_a_removed_group_is_refused(cooks: Household) -> None:
    """Who may not be answered may not answer."""
    ask(cooks)
    cooks.store.groups.remove(COOKS, NOON)
    assert press(cooks).question is None
    assert cooks.contents() == []
    assert codes(cooks) == ["question.asked", "question.dropped", "question.not_answered"]


def test_another_question_takes_the_place_of_the_open_one(cooks: Household) -> None:
    """A number answers the newest question only."""
    ask(cooks)
    ask(cooks, QuestionId("q-2"))
    assert not press(cooks).is_taken
    assert cooks.say("m1", "1").kind is MessageKind.REQUEST
    assert state(cooks) is QuestionState.REPLACED
    assert ask(cooks, QuestionId("q-2")).chosen == "Red"
    assert "question.replaced" in codes(cooks)


def test_question_lapses_when_the_conversation_is_cleared(cooks: Household) -> None:
    """After /reset a number is no answer; after /stop and /model, which carries the conversation over, it still is."""
    for key, clears, model, wanted in (
        ("stop", False, None, QuestionState.OPEN),
        ("model", True, "m2", QuestionState.OPEN),
        ("reset", True, None, QuestionState.DROPPED),
    ):
        ask(cooks)
        cooks.store.sessions.cancel(
            COOKS, key=key, clears_session=clears, runtime=None, model=model, reply=None, handled=None, now=NOON
        )
        assert state(cooks) is wanted
    assert cooks.say("m1", "1").kind is MessageKind.CONTEXT


def test_question_lapses_after_a_day(cooks: Household) -> None:
    """What is written or pressed later answers nothing, and the record says why."""
    ask(cooks)
    cooks.now += timedelta(days=1)
    assert cooks.store.questions.find_open(KITCHEN, cooks.now) is None
    assert cooks.say("m1", "1").kind is MessageKind.CONTEXT
    assert state(cooks) is QuestionState.EXPIRED
    assert not press(cooks).is_taken
    assert codes(cooks) == ["question.asked", "question.expired", "question.not_answered"]


def test_one_of_many_answers_at_once_is_taken(cooks: Household) -> None:
    """Texts and presses that arrive together make one choice and one request."""
    ask(cooks)
    outcomes: list[Ingested | PressOutcome] = []

    def write(number: int) -> None:
        outcomes.append(cooks.say(f"m{number}", "1") if number % 2 else press(cooks, f"p{number}"))

    threads = [threading.Thread(target=write, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        join(thread)
    taken = [out for out in outcomes if isinstance(out, PressOutcome) and out.is_taken]
    requests = [out for out in outcomes if isinstance(out, Ingested) and out.kind is MessageKind.REQUEST]
    assert len(outcomes) == 6 and len(taken) + len(requests) == 1
    assert codes(cooks).count("question.answered") == 1
