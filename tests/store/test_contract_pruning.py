"""Retention: what is past its time goes, what is not finished or still needed stays."""

from __future__ import annotations

from datetime import timedelta

from intercomd.domain.ids import InputId, QuestionId, RunId
from intercomd.domain.questions import NewQuestion
from intercomd.domain.runs import Outcome
from intercomd.store.pruning import Pruned
from tests.store.household import COOKS, ONE_RETRY, Household, reply

LATER = timedelta(days=10)
MANY = 1_000


def prune_all(house: Household, limit: int = MANY) -> Pruned:
    """Everything that was there by now is past its time."""
    then = house.now + LATER
    return house.store.pruning.prune(then, then, then, limit)


def answer_once(house: Household, number: int) -> None:
    """One request with its run and its reply, delivered."""
    run_id, input_id = RunId(f"r{number}"), InputId(f"i{number}")
    house.say(f"m{number}")
    house.open(run_id, input_id=input_id)
    house.record(run_id, frame=1, replies=(f"answer {number}",), settles=(input_id,))
    house.end(run_id)
    claimed = house.claim()
    house.store.outbox.record_sent([(row.outbox_id, ()) for row in claimed], house.now)


def test_pruning_removes_finished_records_and_keeps_the_chat(house: Household) -> None:
    """Events, runs with their inputs and delivered texts go (B-16); what people and the assistant said stays."""
    answer_once(house, 1)
    said = house.contents()
    pruned = prune_all(house)
    assert (pruned.runs, pruned.texts) == (1, 1)
    assert pruned.events > 0
    assert house.store.runs.list_recent(None, MANY) == []
    assert house.store.outbox.list_recent(None, MANY) == []
    assert house.store.events.list_recent(None, MANY) == []
    assert house.contents() == said


def test_pruning_keeps_what_is_younger(house: Household) -> None:
    """A record goes by its own age."""
    answer_once(house, 1)
    before = house.now - timedelta(seconds=1)
    assert house.store.pruning.prune(before, before, before, MANY) == Pruned(0, 0, 0, has_more=False)


def test_pruning_keeps_what_is_not_finished(house: Household) -> None:
    """A live run and a text on its way stay however old they are."""
    house.say("m1")
    house.open()
    house.store.outbox.enqueue([reply("t1")], handled=None, now=house.now)
    pruned = prune_all(house)
    assert (pruned.runs, pruned.texts) == (0, 0)
    assert len(house.store.runs.list_live()) == 1
    assert house.store.outbox.count_waiting() == 1


def test_pruning_keeps_the_failed_run_that_waits_for_its_next_try(house: Household) -> None:
    """A group in backoff still needs it: /stop settles what it was given."""
    house.say("m1")
    house.open()
    house.end(outcome=Outcome.FAILED, policy=ONE_RETRY)
    assert prune_all(house).runs == 0


def test_pruning_forgets_questions_that_are_closed(house: Household) -> None:
    """An open question stays; the text that answered another one stays without it."""
    for question_id in (QuestionId("q1"), QuestionId("q2")):
        house.store.questions.ask(NewQuestion(question_id, COOKS, "Which?", ("Red", "Blue")), house.now)
    prune_all(house)
    house.say("m1", "2")
    assert house.open().prompt.messages[0].answers is not None
    prune_all(house)
    assert house.open().prompt.messages[0].answers is None


def test_pruning_goes_in_batches_until_nothing_is_left(house: Household) -> None:
    """`has_more` until a batch was not full, and a second pass over nothing does nothing."""
    for number in range(5):
        answer_once(house, number)
    batches = 0
    while prune_all(house, limit=2).has_more:
        batches += 1
        assert batches < MANY
    assert prune_all(house) == Pruned(0, 0, 0, has_more=False)


def test_pruning_leaves_groups_working(house: Household) -> None:
    """A request written before is answered after: numbers do not live in what was removed."""
    answer_once(house, 1)
    house.say("m9", "and now?")
    prune_all(house)
    opened = house.open(RunId("r2"), input_id=InputId("i2"))
    assert [message.content for message in opened.prompt.messages] == ["and now?"]
