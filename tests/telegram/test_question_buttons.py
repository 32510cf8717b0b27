"""An agent's question on Telegram: buttons, presses, and what people, the host and the agent's group get of them."""

from __future__ import annotations

from typing import Any

import pytest

from intercomd.clock import SystemClock
from intercomd.domain.chat import MessageKind
from intercomd.domain.ids import ChatJid, Folder, QuestionId
from intercomd.domain.mailbox import ChatStored, OutboxFilled
from intercomd.domain.questions import NewQuestion
from tests.support.fake_bot_api import LoseAnswer, refusal
from tests.telegram.conftest import Daemon

FAMILY = ChatJid("tg:-100")
QUESTION = "Which colour?\n\n1. Red\n2. Blue\n\nAnswer with the number."
PRESS = {
    "callback_query_id": "q1",
    "chat_jid": FAMILY,
    "message_id": "1",
    "data": "answer:colour:2",
    "sender_id": "42",
    "sender_name": "Uma",
}


@pytest.fixture(autouse=True)
def _question(daemon: Daemon) -> None:
    """It was asked, and its text is on people's screens."""
    daemon.register(FAMILY, "family")
    daemon.fake.presses |= {"q1", "q2"}
    ask(daemon, "colour", 1)


def ask(daemon: Daemon, question_id: str, texts: int) -> None:
    question = NewQuestion(QuestionId(question_id), Folder("family"), "Which colour?", ("Red", "Blue"))
    daemon.store.questions.ask(question, SystemClock().now())
    daemon.outbox.hint(OutboxFilled())
    daemon.wait_until_sent(FAMILY, texts)


def press(daemon: Daemon, **changes: Any) -> dict[str, Any]:
    return daemon.ask("callback", PRESS | changes)


def people_said(daemon: Daemon) -> list[tuple[str, str, MessageKind]]:
    messages = daemon.store.chats.recent(FAMILY, 50)
    return [(m.sender_name, m.content, m.kind) for m in messages if m.kind is not MessageKind.BOT]


def test_question_has_a_button_per_choice(daemon: Daemon) -> None:
    """B-89: buttons arrive with their text, and numbers stand in it as well, for those who write."""
    (shown,) = daemon.fake.messages
    assert shown.text == QUESTION
    assert shown.buttons == [("Red", "answer:colour:1"), ("Blue", "answer:colour:2")]


def test_press_is_stored_shown_and_handed_on(daemon: Daemon) -> None:
    """The choice is a request of the presser, the message shows it without buttons, the message loop is told."""
    answer = press(daemon)
    assert answer == {"ok": True, "action": "answer", "target_id": "colour:2", "result": "✅ Blue", "error": None}
    assert people_said(daemon) == [("Uma", "Blue", MessageKind.REQUEST)]
    (shown,) = daemon.fake.messages
    assert (shown.text, shown.buttons) == ("Which colour?\n\n✅ Blue (Uma)", [])
    assert daemon.fake.answers == {"q1": "✅ Blue"}
    daemon.message_loop.wait_for(lambda item: item == ChatStored(FAMILY), "the message loop is told")


def test_repeated_press_is_the_same_press(daemon: Daemon) -> None:
    """A host that asks again, since it did not hear the answer, gets it and changes nothing."""
    assert press(daemon) == press(daemon)
    assert people_said(daemon) == [("Uma", "Blue", MessageKind.REQUEST)]


def test_late_press_hears_what_was_chosen(daemon: Daemon) -> None:
    """The second presser is told, the message goes on showing the first choice."""
    press(daemon)
    late = press(daemon, callback_query_id="q2", data="answer:colour:1", sender_name="Zoe")
    assert (late["ok"], late["error"]) == (False, "This was answered already: Blue")
    assert people_said(daemon) == [("Uma", "Blue", MessageKind.REQUEST)]
    assert daemon.fake.answers["q2"] == "This was answered already: Blue"


def test_press_of_a_replaced_question_takes_its_buttons_away(daemon: Daemon) -> None:
    """Nothing is stored, and nobody presses there again."""
    ask(daemon, "other", 2)
    answer = press(daemon)
    assert (answer["ok"], answer["error"]) == (False, "This question is not open any more")
    assert people_said(daemon) == []
    first, second = daemon.fake.messages
    assert (first.text, first.buttons) == ("Which colour?\n\nThis question is not open any more", [])
    assert len(second.buttons) == 2


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"chat_jid": "tg:-200"}, "Not allowed in this chat"),
        ({"chat_jid": "tg:5"}, "Not allowed in this chat"),
        ({"chat_jid": "@stranger"}, "Invalid callback data format"),
        ({"data": "answer:unknown:1"}, "Not allowed in this chat"),
        ({"data": "answer:colour:9"}, "Not allowed in this chat"),
        ({"data": "answer:colour:x"}, "Invalid callback data format"),
        ({"data": "answer:"}, "Invalid callback data format"),
    ],
)
def test_press_from_elsewhere_or_of_nothing_is_refused(daemon: Daemon, changes: dict[str, str], error: str) -> None:
    """Other groups, strangers and made-up data answer nothing (B-50)."""
    daemon.register("tg:-200", "others")
    answer = press(daemon, **changes)
    assert (answer["ok"], answer["error"]) == (False, error)
    assert people_said(daemon) == []
    assert "q1" in daemon.fake.answers and len(daemon.fake.messages[0].buttons) == 2


def test_choice_counts_although_telegram_fails(daemon: Daemon) -> None:
    """It is stored before anything is shown, and the host hears ok."""
    daemon.fake.plan("editMessageText", refusal(400, "Bad Request: message to edit not found"))
    daemon.fake.plan("answerCallbackQuery", LoseAnswer())
    assert press(daemon)["ok"]
    assert people_said(daemon) == [("Uma", "Blue", MessageKind.REQUEST)]


def test_host_is_told_to_go_on_with_an_answer_without_the_trigger(daemon: Daemon) -> None:
    """The verdict for the host agrees with what was stored (B-103)."""
    body = {"chat_jid": FAMILY, "content": "2", "timestamp": "2026-01-31T12:00:00Z"}
    first = daemon.ask("ingress", {**body, "message_id": "m1"})
    second = daemon.ask("ingress", {**body, "message_id": "m2"})
    assert (first["accepted"], first["parity"]["trigger_present"]) == (True, False)
    assert (second["accepted"], second["reason"]) == (False, "trigger_required")
    assert [kind for _, _, kind in people_said(daemon)] == [MessageKind.REQUEST, MessageKind.CONTEXT]
