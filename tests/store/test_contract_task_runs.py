"""The run of a scheduled task and what its end makes of the fire, on every engine."""

from __future__ import annotations

from datetime import timedelta

import pytest

from intercomd.domain.events import EventCode
from intercomd.domain.ids import Folder, InputId, RunId, TaskId
from intercomd.domain.runs import Ending, Outcome
from intercomd.domain.scheduled import ContextMode, FireState, TaskInput
from intercomd.domain.schedules.misfires import SkipReason
from intercomd.errors import FenceLost, NotFound, StoreConflict
from intercomd.store.opening import StoreSettings
from intercomd.store.ports import InputLimits, RetryPolicy
from tests.store.chores import BREAD, HOUR, MINUTE, SECOND, TASK_INPUT, Chores, hourly, once
from tests.store.household import COOKS, KITCHEN, NOON, OTHER, PROMPT, RUN
from tests.store.raw import open_raw

NO_RETRY = RetryPolicy(())
SECOND_RUN = RunId("run-2")
SOUP = TaskId("soup")


def task_logs(settings: StoreSettings) -> list[tuple[object, ...]]:
    """The log of task runs: id, duration, status, result, error."""
    with open_raw(settings) as run_sql:
        rows = run_sql("SELECT task_id, duration_ms, status, result, error FROM task_run_logs ORDER BY log_id")
    return [tuple(row) for row in rows]


def test_open_gives_the_task_and_an_input_to_answer(chores: Chores) -> None:
    """The run has the newest prompt and no messages; its row says which fire it is for."""
    opened = chores.start(hourly())
    assert opened.task == TaskInput(BREAD, NOON, "bake bread", ContextMode.ISOLATED)
    assert (opened.prompt.input_id, opened.prompt.messages, opened.attempt) == (TASK_INPUT, (), 1)
    run = chores.store.runs.get(RUN)
    assert (run.task_id, run.fire_at, run.chat_jid, run.is_live) == (BREAD, NOON, KITCHEN, True)
    assert (chores.fire().state, chores.fire().run_id) == (FireState.RUNNING, RUN)
    assert chores.store.tasks.list_ready(NOON, 9) == []


def test_open_gives_the_same_answer_when_repeated(chores: Chores) -> None:
    """A known run id opens nothing more, even with another fire in waiting."""
    chores.add(hourly(SOUP))
    opened = chores.start(hourly())
    assert chores.open_task() == opened
    assert len(chores.store.runs.list_live()) == 1
    assert chores.store.tasks.count_fires() == {"queued": 1, "running": 1}


def test_open_repeated_for_a_removed_task_gives_nothing(chores: Chores) -> None:
    """Its prompt is gone: whoever asks finds the run left behind and settles it."""
    chores.start(hourly())
    chores.store.tasks.remove(BREAD, "Uma", NOON)
    assert chores.find_task_run() is None
    assert [run.run_id for run in chores.store.runs.list_live(COOKS)] == [RUN]


def test_open_takes_the_oldest_ready_fire_of_the_group(chores: Chores) -> None:
    """First come, first served; one that waits for its next try lets others by."""
    chores.start(hourly())
    chores.end_failed()
    chores.wait(SECOND)
    chores.add(once(SOUP))
    chores.claim_due()
    opened = chores.open_task(SECOND_RUN)
    assert opened.task is not None
    assert opened.task.task_id == SOUP


def test_open_finds_nothing_when_no_fire_is_ready(chores: Chores) -> None:
    """Neither a request nor a task that is not due makes a task's run."""
    chores.say("1")
    chores.add(hourly(next_run=NOON + HOUR))
    chores.claim_due()
    assert chores.find_task_run() is None


def test_open_refuses_a_second_live_run(chores: Chores) -> None:
    """One run at a time per group, whether for people or for tasks."""
    chores.say("1")
    chores.open()
    chores.add(hourly())
    chores.claim_due()
    with pytest.raises(StoreConflict, match="run-1"):
        chores.open_task(SECOND_RUN)
    assert chores.fire().state is FireState.QUEUED


def test_open_refuses_a_lost_fence_and_an_unknown_group(chores: Chores) -> None:
    """The claim of a slot and the lease are checked together."""
    chores.add(hourly())
    chores.claim_due()
    with pytest.raises(NotFound):
        chores.store.runs.open_task_run(chores.dispatch, Folder("nobody"), RUN, TASK_INPUT, NOON)
    leases, duty = chores.store.leases, chores.dispatch.duty
    leases.take(duty, leases.find(duty), OTHER)
    with pytest.raises(FenceLost):
        chores.open_task()


def test_fire_of_a_task_put_to_rest_behind_our_back_is_skipped(chores: Chores, store_settings: StoreSettings) -> None:
    """B-71: what is due is checked again at the start, and the next fire is taken instead."""
    for name in ("paused", "gone", "done", "elsewhere"):
        chores.add(hourly(TaskId(name)))
    chores.claim_due()
    with open_raw(store_settings) as run_sql:
        run_sql("UPDATE scheduled_tasks SET status = id WHERE id = 'paused'")
        run_sql("UPDATE scheduled_tasks SET status = 'completed' WHERE id = 'done'")
        run_sql("UPDATE scheduled_tasks SET chat_jid = 'local:attic' WHERE id = 'elsewhere'")
        run_sql("DELETE FROM scheduled_tasks WHERE id = 'gone'")
    chores.wait(MINUTE)
    chores.add(once())
    chores.claim_due()
    opened = chores.open_task()
    assert opened.task is not None
    assert opened.task.task_id == BREAD
    assert [chores.fire(TaskId(name)).reason for name in ("paused", "gone", "done", "elsewhere")] == [
        SkipReason.TASK_PAUSED,
        SkipReason.TASK_REMOVED,
        SkipReason.TASK_COMPLETED,
        SkipReason.GROUP_REMOVED,
    ]


def test_session_is_kept_in_the_groups_context_only(chores: Chores) -> None:
    """B-76: an isolated task starts without the conversation and leaves it alone."""
    chores.say("1")
    chores.open(RunId("chat"))
    chores.record(RunId("chat"), settles=(PROMPT,), session_id="conversation")
    chores.end(RunId("chat"))
    assert chores.start(hourly()).session_id is None
    chores.record(session_id="of the task", replies=("done",), settles=(TASK_INPUT,))
    chores.end()
    assert chores.store.sessions.get(COOKS).session_id == "conversation"
    chores.add(once(SOUP, context_mode="group"))
    chores.claim_due()
    assert chores.open_task(SECOND_RUN).session_id == "conversation"
    chores.record(SECOND_RUN, session_id="goes on", settles=(TASK_INPUT,))
    assert chores.store.sessions.get(COOKS).session_id == "goes on"


def test_run_of_a_task_leaves_requests_alone(chores: Chores) -> None:
    """What people asked for is pending before, during and after, with its own tries and its own wait."""
    chores.say("1")
    chores.open(RunId("chat"))
    chores.end(RunId("chat"), Outcome.FAILED)
    before = chores.progress()
    assert before.attempts == 1
    chores.start(hourly())
    chores.record(replies=("done",), settles=(TASK_INPUT,))
    assert chores.store.runs.open_follow_up(RUN, InputId("f"), InputLimits(), NOON) is None
    chores.end()
    assert chores.progress() == before
    chores.wait(5 * SECOND)
    assert chores.open(SECOND_RUN).attempt == 2


def test_answered_fire_has_run_however_its_run_ends(chores: Chores) -> None:
    """A crash after the reply is no reason to say it again."""
    chores.start(hourly())
    chores.answer()
    assert chores.end(outcome=Outcome.ORPHANED).ending is Ending.DONE
    assert chores.fires() == [(NOON, "ran", None)]
    assert chores.find_task_run(SECOND_RUN) is None


def test_declared_silence_answers_a_task(chores: Chores) -> None:
    """An agent with nothing to report has done its work."""
    chores.start(hourly())
    chores.record(settles=(TASK_INPUT,))
    chores.end()
    assert chores.fires() == [(NOON, "ran", None)]
    assert chores.task().last_result == "Completed"


def test_late_fire_has_run_late(chores: Chores) -> None:
    """People can see that it was not on time."""
    chores.add(hourly())
    chores.wait(10 * MINUTE)
    chores.claim_due()
    chores.open_task()
    chores.answer()
    chores.end()
    assert chores.fire().state is FireState.RAN_LATE


def test_failed_fire_is_tried_again_at_a_stored_time(chores: Chores) -> None:
    """As long as nothing was said; every try is a run of its own, and ending one twice changes nothing."""
    chores.start(hourly())
    ending = chores.end(outcome=Outcome.TIMED_OUT)
    assert (ending.ending, ending.retry_at) == (Ending.RETRY, NOON + 5 * SECOND)
    assert chores.end(outcome=Outcome.SUCCEEDED) == ending
    assert (chores.fire().state, chores.fire().attempts, chores.fire().not_before) == (
        FireState.QUEUED,
        1,
        NOON + 5 * SECOND,
    )
    assert chores.find_task_run(SECOND_RUN) is None
    chores.wait(5 * SECOND)
    assert chores.open_task(SECOND_RUN).attempt == 2
    assert EventCode.TASK_RETRY in chores.codes()
    assert (chores.task().last_run, chores.notices()) == (None, [])


def test_recurring_task_tells_of_its_first_failure_in_a_row(chores: Chores) -> None:
    """A task of every minute must not fill the chat; after a run that works, a failure is news again."""
    chores.add(hourly())
    for number, outcome in enumerate((Outcome.FAILED, Outcome.FAILED, Outcome.SUCCEEDED, Outcome.FAILED)):
        chores.claim_due()
        run_id = RunId(f"r{number}")
        chores.open_task(run_id)
        if outcome is Outcome.SUCCEEDED:
            chores.answer(run_id=run_id)
        chores.end(run_id, outcome, NO_RETRY)
        chores.wait(HOUR)
    assert [state for _, state, _ in chores.fires()] == ["failed", "failed", "ran", "failed"]
    assert (len(chores.notices()), chores.task().failures) == (2, 1)


def test_failed_once_always_tells_the_chat(chores: Chores) -> None:
    """Nothing makes up for it; the notice is sent once, and the task is completed."""
    chores.start(once())
    for _ in range(2):
        assert chores.end(outcome=Outcome.FAILED, policy=NO_RETRY).ending is Ending.GAVE_UP
    (notice,) = chores.notices()
    assert "Task 1 could not be finished" in notice
    assert (chores.task().status, chores.fire().state) == ("completed", FireState.FAILED)


def test_refused_fire_says_what_to_change(chores: Chores) -> None:
    """It is not tried again: only a person can put it right."""
    chores.start(hourly())
    chores.store.runs.end_run(RUN, Outcome.REFUSED, "set a key", RetryPolicy(), NOON)
    assert chores.fires() == [(NOON, "failed", "set a key")]
    assert ["set a key" in notice for notice in chores.notices()] == [True]


def test_failed_fire_that_somebody_asked_for_tells_the_chat(chores: Chores) -> None:
    """Also in the middle of a row of failures: somebody waits for this very run."""
    chores.start(hourly())
    chores.end(outcome=Outcome.FAILED, policy=NO_RETRY)
    chores.wait(MINUTE)
    chores.store.tasks.run_now(BREAD, "k", "Uma", chores.now)
    chores.open_task(SECOND_RUN)
    chores.end(SECOND_RUN, Outcome.FAILED, NO_RETRY)
    assert len(chores.notices()) == 2


def test_fire_with_effects_is_not_run_again(chores: Chores) -> None:
    """Half an answer and a crash: people read it once, and that it is not complete."""
    chores.start(once())
    chores.record(replies=("half",))
    assert chores.end(outcome=Outcome.FAILED).ending is Ending.GAVE_UP
    assert chores.fires() == [(NOON, "failed", "failed")]
    assert len(chores.notices()) == 1


def test_orphaned_fire_is_forgiven_once(chores: Chores) -> None:
    """A crash of ours costs no try; a task that kills the daemon does not do so for ever."""
    chores.start(hourly())
    assert chores.end(outcome=Outcome.ORPHANED).ending is Ending.PENDING
    assert chores.open_task(SECOND_RUN).attempt == 1
    assert chores.end(SECOND_RUN, Outcome.ORPHANED).ending is Ending.RETRY


def test_drained_fire_runs_again_unless_it_said_something(chores: Chores) -> None:
    """A stop of the daemon costs no try."""
    chores.start(hourly())
    assert chores.end(outcome=Outcome.DRAINED).ending is Ending.PENDING
    assert chores.open_task(SECOND_RUN).attempt == 1
    chores.record(SECOND_RUN, replies=("half",))
    chores.end(SECOND_RUN, Outcome.DRAINED)
    assert chores.fires() == [(NOON, "stopped_by_drain", "drained")]
    assert chores.codes()[-2:] == [EventCode.TASK_DRAINED, EventCode.RUN_ENDED]
    assert chores.notices() == []


def test_drained_once_with_effects_tells_the_chat(chores: Chores) -> None:
    """It will not run again, so somebody has to know."""
    chores.start(once())
    chores.record(replies=("half",))
    chores.end(outcome=Outcome.DRAINED)
    assert ["a restart" in notice for notice in chores.notices()] == [True]


def test_settled_fire_is_logged_once_as_clients_know_it(chores: Chores, store_settings: StoreSettings) -> None:
    """B-74: the result is cut between characters; a try that is repeated is no log row."""
    chores.start(hourly())
    chores.wait(SECOND)
    chores.end_failed()
    chores.wait(5 * SECOND)
    chores.open_task(SECOND_RUN)
    chores.record(SECOND_RUN, replies=("first",))
    chores.record(SECOND_RUN, frame=1, replies=("🍲" * 150, "🍞" * 150), settles=(TASK_INPUT,))
    chores.wait(timedelta(milliseconds=1500))
    for _ in range(2):
        chores.end(SECOND_RUN)
    result = "🍲" * 150 + "🍞" * 50
    assert (chores.task().last_run, chores.task().last_result) == (chores.now, result)
    assert task_logs(store_settings) == [(BREAD, 1500, "success", result, None)]


def test_notice_of_a_failed_fire_says_why_in_the_agents_words(chores: Chores) -> None:
    """People read what the agent said for them, operators the error."""
    chores.start(hourly())
    chores.store.runs.end_run(RUN, Outcome.FAILED, "HTTP 429", NO_RETRY, NOON, "Google is busy.")
    (notice,) = chores.notices()
    assert "could not be finished: Google is busy. It" in notice
    assert chores.task().last_result == "Error: HTTP 429"


def test_failed_fire_is_logged_with_its_error(chores: Chores, store_settings: StoreSettings) -> None:
    """As the wire API has it: `Error: …`."""
    chores.start(hourly())
    chores.store.runs.end_run(RUN, Outcome.FAILED, "it \x00 broke", NO_RETRY, NOON)
    assert chores.task().last_result == "Error: it \ufffd broke"
    assert task_logs(store_settings) == [(BREAD, 0, "error", None, "it \ufffd broke")]
