"""An agent's question and its answer in the simulator: to the agent that asked, or to the next one, and once."""

from __future__ import annotations

from datetime import timedelta

import pytest

from intercomd.channels.local import local_jid
from intercomd.domain.chat import Group, MessageKind
from intercomd.domain.ids import Folder, QuestionId
from intercomd.domain.questions import ChoicePress, NewQuestion
from tests.actors.conftest import MakeWorld
from tests.actors.world import World

COOKS = Folder("cooks")
CHOICES = ("m2", "m3", "m4")
"""Words that the scripted agents name in their replies."""


def begin(world: World) -> None:
    """A group that answers to texts that begin with `m1` only, and its agent's first answer."""
    world.store.groups.add(Group(local_jid(COOKS), "Cooks", COOKS, trigger="m1"), world.now)
    world.say(COOKS, "m1")
    world.settle()
    assert world.replies(COOKS) == ["re: m1"]


def ask(world: World, question_id: str = "q1") -> None:
    world.store.questions.ask(NewQuestion(QuestionId(question_id), COOKS, "Which?", CHOICES), world.now)


def press(world: World, press_id: str, choice: int) -> bool:
    """As a channel with buttons hands it over; no hint follows, so the poll has to find it."""
    made = ChoicePress(press_id, local_jid(COOKS), QuestionId("q1"), choice, "u", "Zoe")
    return world.store.questions.press(made, world.now).is_taken


def answers(world: World) -> dict[str, int]:
    """How often each choice was answered by an agent."""
    return {token: count for token, count in world.answered(COOKS).items() if token in CHOICES}


def test_answer_without_the_trigger_is_a_follow_up_of_the_agent_that_asked(make_world: MakeWorld) -> None:
    """People write a choice, and the run goes on; other texts without the trigger stay unanswered."""
    world = make_world()
    begin(world)
    ask(world)
    world.say(COOKS, "m9")
    world.say(COOKS, "m3")
    world.settle()
    world.say(COOKS, "m4")
    world.finish()
    assert answers(world) == {"m3": 1}
    assert len(world.runs()) == 1
    world.assert_at_rest()


def test_answer_opens_the_next_run_when_the_agent_is_gone(make_world: MakeWorld) -> None:
    """Nothing is lost when people take their time."""
    world = make_world()
    begin(world)
    ask(world)
    world.pass_time(400, tick=10)
    assert not world.agents.alive
    assert press(world, "p1", 0)
    world.finish()
    assert answers(world) == {"m2": 1}
    assert len(world.runs()) == 2


def test_question_is_shown_once_and_answers_nothing_after_a_reset(make_world: MakeWorld) -> None:
    """/reset ends the conversation that the question belongs to."""
    world = make_world()
    begin(world)
    ask(world)
    ask(world)
    world.settle()
    world.say(COOKS, "/reset")
    world.settle()
    world.say(COOKS, "m3")
    world.finish()
    assert sum("1. m2" in reply for reply in world.replies(COOKS)) == 1
    assert answers(world) == {}
    assert world.log(COOKS)[-1].kind is MessageKind.CONTEXT


def test_answer_after_a_day_is_an_ordinary_text(make_world: MakeWorld) -> None:
    """The machine slept over it: the number is nobody's business any more."""
    world = make_world()
    begin(world)
    ask(world)
    world.sleep_machine(timedelta(days=1))
    world.say(COOKS, "1")
    assert world.log(COOKS)[-1].kind is MessageKind.CONTEXT
    assert not press(world, "p1", 0)


@pytest.mark.parametrize("seed", range(8))
def test_question_is_answered_once_through_kills_and_repeated_presses(make_world: MakeWorld, seed: int) -> None:
    """A kill at any instant, the same press again and another one beside it: one choice, one answer."""
    world = make_world(seed)
    begin(world)
    ask(world)
    taken = []
    for press_id in ("p1", "p1", "p2"):
        for _ in range(world.random.randrange(12)):
            world.step()
        if world.random.random() < 0.5:
            world.restart()
        taken.append(press(world, press_id, choice=int(press_id[1])))
        ask(world)
    world.finish()
    assert taken == [True, True, False]
    assert answers(world) == {"m3": 1}
    assert sum("1. m2" in reply for reply in world.replies(COOKS)) == 1
    world.assert_at_rest()
