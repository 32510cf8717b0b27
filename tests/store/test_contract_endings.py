"""What the end of a run does to its group, on every engine."""

from __future__ import annotations

from datetime import timedelta

from intercomd.domain.ids import InputId, RunId
from intercomd.domain.outbox import TextKind
from intercomd.domain.runs import Ending, Outcome
from intercomd.store.ports import InputLimits, RetryPolicy
from tests.store.household import COOKS, KITCHEN, NOON, PROMPT, RUN, Household

NO_RETRY = RetryPolicy(())
SECOND = RunId("run-2")
FOLLOW_UP = InputId("input-2")


def test_end_run_is_done_when_everything_is_answered(house: Household) -> None:
    """An answered run leaves nothing pending; ending it again gives the stored decision."""
    house.say("1")
    house.open()
    house.record(replies=("hi",), settles=(PROMPT,))
    assert house.end().ending is Ending.DONE
    assert house.end(outcome=Outcome.FAILED).ending is Ending.DONE
    assert house.store.runs.get(RUN).outcome is Outcome.SUCCEEDED
    assert not house.progress().has_pending


def test_end_run_retries_the_same_messages_when_nothing_was_said(house: Household) -> None:
    """B-20: a failed run's messages go into a further run, at the stored time."""
    house.say("1")
    house.open()
    ending = house.end(outcome=Outcome.FAILED)
    assert (ending.ending, ending.retry_at) == (Ending.RETRY, NOON + timedelta(seconds=5))
    assert house.end(outcome=Outcome.FAILED) == ending
    house.now = NOON + timedelta(seconds=5)
    again = house.open(SECOND, input_id=FOLLOW_UP)
    assert (again.attempt, [m.external_id for m in again.prompt.messages]) == (2, ["1"])


def test_end_run_gives_up_with_one_notice_after_the_last_try(house: Household) -> None:
    """Every request has a visible outcome: the notice, once."""
    house.say("1")
    house.open()
    for _ in range(2):
        assert house.end(outcome=Outcome.FAILED, policy=NO_RETRY).ending is Ending.GAVE_UP
    (row,) = house.store.outbox.list_recent(KITCHEN, 10)
    assert row.kind is TextKind.NOTICE
    assert not house.progress().has_pending


def test_give_up_carries_its_texts_into_one_further_run(house: Household) -> None:
    """The next run sees what failed; a poisonous text spoils no run after that."""
    house.say("1", "poison")
    house.fail_for_good(1)
    house.say("2", "second")
    assert [m.content for m in house.open(RunId("x")).prompt.messages] == ["poison", "second"]
    house.end(RunId("x"), Outcome.FAILED, NO_RETRY)
    house.say("3", "third")
    assert [m.content for m in house.open(RunId("y")).prompt.messages] == ["second", "third"]


def test_success_ends_the_carrying(house: Household) -> None:
    """After a success the next prompt starts behind it."""
    house.say("1", "failed")
    house.fail_for_good(1)
    house.say("2", "second")
    house.open()
    house.record(settles=(PROMPT,))
    house.end()
    house.say("3", "third")
    assert [m.content for m in house.open(SECOND).prompt.messages] == ["third"]


def test_drained_run_costs_no_attempt(house: Household) -> None:
    """A stop of the daemon leaves the request pending at once, as if it had not been tried."""
    house.say("1")
    house.open()
    assert house.end(outcome=Outcome.DRAINED).ending is Ending.PENDING
    assert house.open(SECOND, input_id=FOLLOW_UP).attempt == 1


def test_orphaned_run_is_forgiven_once(house: Household) -> None:
    """B-09: a crash of ours costs no try the first time; a request that kills the daemon does not do so for ever."""
    house.say("1")
    house.open()
    assert house.end(outcome=Outcome.ORPHANED).ending is Ending.PENDING
    house.open(SECOND, input_id=FOLLOW_UP)
    assert house.end(SECOND, Outcome.ORPHANED).ending is Ending.RETRY


def test_follow_ups_stay_pending_when_the_run_ends_without_them(house: Household) -> None:
    """B-12, B-30: each input is settled on its own; a follow-up nobody answered runs next."""
    house.say("1")
    house.open()
    house.say("2", "and also")
    assert house.store.runs.open_follow_up(RUN, FOLLOW_UP, InputLimits(), NOON) is not None
    house.record(replies=("hi",), settles=(PROMPT,))
    assert house.end(outcome=Outcome.FAILED).ending is Ending.PENDING
    assert [m.content for m in house.open(SECOND).prompt.messages] == ["and also"]


def test_follow_ups_survive_when_the_prompt_is_given_up(house: Household) -> None:
    """The notice speaks for the prompt only."""
    house.say("1", "one")
    house.open()
    house.say("2", "two")
    assert house.store.runs.open_follow_up(RUN, FOLLOW_UP, InputLimits(), NOON) is not None
    house.record(replies=("half an answer",))
    assert house.end(outcome=Outcome.FAILED).ending is Ending.GAVE_UP
    assert house.progress().has_pending
    assert [m.content for m in house.open(SECOND).prompt.messages] == ["one", "two"]


def test_retry_command_runs_the_failed_messages_again(house: Household) -> None:
    """`/retry` is a request whose own text is in no prompt; repeated it changes nothing."""
    house.say("1", "failed")
    house.fail_for_good(1)
    seq = house.say("2", "/retry").seq
    assert [house.store.sessions.request_retry(COOKS, seq=seq, reply=None, now=NOON) for _ in range(2)] == [True, True]
    assert house.store.chats.list_unhandled_commands(10) == []
    assert [m.content for m in house.open().prompt.messages] == ["failed"]
    house.record(settles=(PROMPT,))
    assert not house.progress().has_pending


def test_retry_command_is_refused_without_a_failure(house: Household) -> None:
    """Nothing to retry: before any request, after a success, and while the failed texts run again."""
    retry = house.store.sessions.request_retry
    assert not retry(COOKS, seq=house.say("1", "/retry").seq, reply=None, now=NOON)
    house.say("2")
    house.fail_for_good(1)
    house.say("3")
    house.open()
    assert not retry(COOKS, seq=house.say("4", "/retry").seq, reply=None, now=NOON)
    house.record(settles=(PROMPT,))
    house.end()
    assert not retry(COOKS, seq=house.say("5", "/retry").seq, reply=None, now=NOON)
