"""`why` of a task: every branch that runs, drops or delays a fire leaves its code, and is told in words."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from intercomd.desk.why import Explanation, WhyDesk
from intercomd.domain.events import EventCode
from intercomd.domain.ids import InputId, RunId, TaskId
from intercomd.domain.runs import Outcome
from intercomd.domain.scheduled import TaskChange
from intercomd.domain.schedules.misfires import MisfirePolicy, OverlapPolicy
from intercomd.errors import NotFound
from intercomd.store.opening import StoreSettings, open_store
from tests.store.chores import BREAD, HOUR, MINUTE, Chores, hourly, once
from tests.store.household import COOKS, NOON, ONE_RETRY, RUN, HouseClock

VIENNA = "Europe/Vienna"


@pytest.fixture
def chores(tmp_path: Path) -> Iterator[Chores]:
    """A store with the group `cooks`."""
    store = open_store(StoreSettings(assistant_name="Ada", main_folder="main", sqlite_path=tmp_path / "intercom.db"))
    yield Chores(store)
    store.close()


def desk_of(chores: Chores, idle_reason: str | None = None, *, has_scheduler: bool = True) -> WhyDesk:
    clock = HouseClock(chores)
    return WhyDesk(chores.store, clock, ZoneInfo("UTC"), lambda: idle_reason, has_scheduler=has_scheduler)


def explain(chores: Chores, idle_reason: str | None = None, *, has_scheduler: bool = True) -> Explanation:
    """What is said of the first task of `cooks`."""
    return desk_of(chores, idle_reason, has_scheduler=has_scheduler).explain("cooks/1")


def end(chores: Chores, outcome: Outcome, error: str, run_id: RunId = RUN) -> None:
    chores.store.runs.end_run(run_id, outcome, error, ONE_RETRY, chores.now)


def make(chores: Chores) -> None:
    chores.add(hourly(zone=VIENNA, next_run=NOON + HOUR))


def come_due(chores: Chores) -> None:
    chores.add(hourly())
    chores.claim_due()


def wait_behind_others(chores: Chores) -> None:
    make(chores)
    chores.add(once(TaskId("soup")))
    chores.claim_due()
    chores.now += HOUR
    chores.claim_due()
    chores.say("m1")


def wait_for_the_group(chores: Chores) -> None:
    chores.say("m1")
    chores.open(RunId("r-people"))
    come_due(chores)


def be_asked_for(chores: Chores) -> None:
    make(chores)
    chores.store.tasks.run_now(BREAD, "key", "Uma", chores.now)


def be_at_work(chores: Chores) -> None:
    chores.start(hourly())


def still_run(chores: Chores) -> None:
    be_at_work(chores)
    chores.now += HOUR
    chores.claim_due()


def queue_one(chores: Chores) -> None:
    chores.start(hourly(overlap=OverlapPolicy.QUEUE_ONE))
    chores.now += HOUR
    chores.claim_due()


def find_one_queued(chores: Chores) -> None:
    come_due(chores)
    chores.now += HOUR
    chores.claim_due()


def be_missed(chores: Chores) -> None:
    chores.now += 3 * HOUR + 2 * MINUTE
    chores.add(hourly(misfire=MisfirePolicy.SKIP))
    chores.claim_due()


def run_late(chores: Chores) -> None:
    chores.now += 3 * HOUR + 2 * MINUTE
    chores.start(hourly())
    chores.answer()
    chores.end(RUN)


def answer(chores: Chores) -> None:
    be_at_work(chores)
    chores.answer()
    chores.end(RUN)


def deliver(chores: Chores) -> None:
    answer(chores)
    (row,) = chores.claim()
    chores.store.outbox.record_sent([(row.outbox_id, ())], chores.now)


def fail_once(chores: Chores) -> None:
    be_at_work(chores)
    end(chores, Outcome.FAILED, "the oven is cold")


def fail_for_good(chores: Chores) -> None:
    fail_once(chores)
    chores.now += MINUTE
    chores.open_task(RunId("run-2"), InputId("input-2"))
    end(chores, Outcome.FAILED, "the oven is cold", RunId("run-2"))


def drain(chores: Chores) -> None:
    be_at_work(chores)
    end(chores, Outcome.DRAINED, "the daemon is stopping")


def drain_after_a_word(chores: Chores) -> None:
    be_at_work(chores)
    chores.record(replies=("I begin",))
    end(chores, Outcome.DRAINED, "the daemon is stopping")


def stop(chores: Chores) -> None:
    be_at_work(chores)
    chores.store.sessions.cancel(
        COOKS, key="c1", clears_session=False, runtime=None, model=None, reply=None, handled=None, now=chores.now
    )


def pause(chores: Chores) -> None:
    come_due(chores)
    chores.store.tasks.change(BREAD, TaskChange(status="paused"), "Uma", chores.now)


def resume(chores: Chores) -> None:
    pause(chores)
    chores.store.tasks.change(BREAD, TaskChange(status="active"), "Uma", chores.now)


def reschedule(chores: Chores) -> None:
    come_due(chores)
    chores.store.tasks.change(BREAD, TaskChange(schedule_value="30 * * * *"), "Uma", chores.now)


def lose_its_group(chores: Chores) -> None:
    come_due(chores)
    chores.store.groups.remove(COOKS, chores.now)


def lose_its_schedule(chores: Chores) -> None:
    chores.add(hourly(schedule_value="never"))
    chores.claim_due()


def complete(chores: Chores) -> None:
    chores.start(once())
    chores.answer()
    chores.end(RUN)


BRANCHES: dict[Callable[[Chores], object], tuple[EventCode, str, str]] = {
    make: (EventCode.TASK_CREATED, "the task was made (by Uma)", "fires next at 2026-01-31 14:00:00 CET."),
    come_due: (EventCode.TASK_CLAIMED, "due, and queued for a run", "Before it: 0 groups with requests"),
    wait_behind_others: (
        EventCode.TASK_CREATED,
        "by Uma",
        "waits for a slot. At work: 0 runs. Before it: 1 group with requests of people, 1 fire of tasks.",
    ),
    wait_for_the_group: (EventCode.TASK_CLAIMED, "due", "waits for the group's run r-people to end."),
    be_asked_for: (
        EventCode.TASK_RUN_ASKED,
        "asked for: by Uma (fire time 2026-01-31 13:00:00 CET)",
        "The run that was asked for at 2026-01-31 13:00:00 CET waits for a slot.",
    ),
    be_at_work: (EventCode.RUN_OPENED, "given to a run", "Its fire of 2026-01-31 12:00:00 UTC is at work: run run-1."),
    still_run: (EventCode.TASK_SKIPPED, "skipped: the run before it was still at work", "was skipped: the run before"),
    queue_one: (EventCode.TASK_QUEUED, "queued for after that", "13:00:00 UTC waits for the group's run run-1 to end"),
    find_one_queued: (EventCode.TASK_SKIPPED, "the one before it was still waiting", "12:00:00 UTC waits for a slot"),
    be_missed: (
        EventCode.TASK_SKIPPED,
        "not run late (fire times 2026-01-31 12:00:00 UTC to 2026-01-31 15:00:00 UTC)",
        "The last one, of 2026-01-31 15:00:00 UTC, was skipped",
    ),
    run_late: (EventCode.TASK_RAN, "ran: late, since its time was missed", "ran late."),
    answer: (EventCode.RUN_REPLIED, "the agent replied", "The last one, of 2026-01-31 12:00:00 UTC, ran."),
    deliver: (EventCode.TEXT_SENT, "text delivered", "ran."),
    fail_once: (
        EventCode.TASK_RETRY,
        "tried again: the oven is cold; next try at 2026-01-31 12:00:05 UTC",
        "has failed once, and is tried again at 2026-01-31 12:00:05 UTC.",
    ),
    fail_for_good: (EventCode.TASK_FAILED, "failed for good: the oven is cold", "failed: the oven is cold."),
    drain: (EventCode.TASK_REQUEUED, "queued again: the daemon is stopping", "waits for a slot"),
    drain_after_a_word: (EventCode.TASK_DRAINED, "not run again", "broke off when the daemon stopped."),
    stop: (EventCode.TASK_STOPPED, "stopped by a command", "was stopped by a command."),
    pause: (EventCode.TASK_PAUSED, "the task was paused (by Uma)", "It is paused, and does not fire until"),
    resume: (EventCode.TASK_RESUMED, "the task was resumed (by Uma)", "was skipped: the task was paused before"),
    reschedule: (EventCode.TASK_CHANGED, "(by Uma: schedule value)", "the task got another schedule before"),
    lose_its_group: (EventCode.TASK_PAUSED, "its chat is no group with this folder any more", "It is paused"),
    lose_its_schedule: (EventCode.TASK_PAUSED, "'never'", "It is paused"),
    complete: (EventCode.TASK_COMPLETED, "no fire time is left", "It is completed: it does not fire again."),
}


@pytest.mark.parametrize("branch", BRANCHES, ids=lambda branch: branch.__name__)
def test_why_finds_the_code_and_the_words_of_every_branch(chores: Chores, branch: Callable[[Chores], object]) -> None:
    """What runs, drops or delays a fire is recorded under its code, and told in the zone of its task."""
    code, step, standing = BRANCHES[branch]
    branch(chores)
    found = explain(chores)
    assert any(step in told.text for told in found.steps if told.code == code), found.steps
    assert standing in found.standing


def test_why_says_that_nothing_fires_here(chores: Chores) -> None:
    """A daemon without scheduler, or one that is idle, promises no fire."""
    make(chores)
    assert "nothing fires at present: scheduler.enabled is not set" in explain(chores, has_scheduler=False).standing
    assert "nothing fires at present: the orchestrator is idle" in explain(chores, "the orchestrator is idle").standing


def test_why_of_a_fire_says_that_nothing_runs_here(chores: Chores) -> None:
    """A fire that is queued while the daemon is idle waits for the daemon, and for no slot."""
    come_due(chores)
    assert "waits, since nothing runs at present: it is held." in explain(chores, "it is held").standing


def test_why_shows_a_time_that_the_zone_does_not_have(chores: Chores) -> None:
    """A row of the system before may say anything."""
    chores.add(hourly(zone="Asia/Tokyo", next_run=datetime(9999, 12, 31, 23, 59, tzinfo=UTC)))
    assert "fires next at 9999-12-31 23:59:00 UTC." in explain(chores).standing


def test_why_tells_the_same_by_number_and_by_id(chores: Chores) -> None:
    """And what is left of a removed task by its id alone."""
    make(chores)
    desk = desk_of(chores)
    assert desk.explain("cooks/1") == desk.explain(BREAD)
    chores.store.tasks.remove(BREAD, "Uma", chores.now)
    assert desk.explain(BREAD).standing == "It was removed."
    with pytest.raises(NotFound, match="FOLDER/NUMBER"):
        desk.explain("cooks/1")


def test_why_shows_the_newest_steps_of_a_task_that_has_many(chores: Chores) -> None:
    """What is shown is bounded, however often a task has fired."""
    chores.start(hourly())
    for _ in range(80):
        chores.now += HOUR
        chores.claim_due()
    steps = explain(chores).steps
    assert len(steps) == 50
    assert steps[-1].at == chores.now
