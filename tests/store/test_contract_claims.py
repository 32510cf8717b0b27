"""Claiming what is due, on every engine: every fire time gets one row, and every path moves the task on."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from intercomd.domain.events import EventCode
from intercomd.domain.ids import ChatJid, Folder, TaskId
from intercomd.domain.scheduled import Claimed, FireState, ReadyTask, TaskChange
from intercomd.domain.schedules.misfires import MisfirePolicy, OverlapPolicy, SkipReason
from intercomd.errors import FenceLost
from intercomd.store.opening import StoreSettings
from tests.store.chores import BREAD, HOUR, MINUTE, SECOND, Chores, hourly, once
from tests.store.household import COOKS, KITCHEN, NOON, OTHER
from tests.store.raw import open_raw

GARDEN = Folder("garden")
GARDEN_CHAT = ChatJid("local:garden")
SOUP = TaskId("soup")


def test_claim_queues_the_fire_and_moves_the_task_on(chores: Chores) -> None:
    """B-22, B-71: the next fire time is set with the claim, so a task that runs long is not due all the while."""
    chores.add(hourly())
    chores.wait(SECOND)
    assert [chores.claim_due() for _ in range(2)] == [Claimed(1, False), Claimed(0, False)]
    fire = chores.fire()
    assert (fire.fire_at, fire.through, fire.state, fire.is_late) == (NOON, NOON, FireState.QUEUED, False)
    assert (fire.claimed_at, fire.folder, fire.chat_jid, fire.settled_at) == (chores.now, COOKS, KITCHEN, None)
    assert chores.task().next_run == NOON + HOUR
    assert chores.store.tasks.list_ready(chores.now, 9) == [ReadyTask(KITCHEN, COOKS, chores.now)]
    assert chores.codes() == [EventCode.TASK_CREATED, EventCode.TASK_CLAIMED]


def test_claim_refuses_a_lost_fence(chores: Chores) -> None:
    """Who lost the duty to dispatch claims nothing."""
    chores.add(hourly())
    leases, duty = chores.store.leases, chores.dispatch.duty
    leases.take(duty, leases.find(duty), OTHER)
    with pytest.raises(FenceLost):
        chores.claim_due()
    assert (chores.fires(), chores.task().next_run) == ([], NOON)


def test_claim_takes_the_earliest_up_to_its_limit(chores: Chores) -> None:
    """B-82: after a day of sleep the rest is left for the next look, and said to be there."""
    for minutes in (3, 1, 2):
        chores.add(hourly(TaskId(f"t{minutes}"), next_run=NOON - minutes * MINUTE))
    assert chores.claim_due(2) == Claimed(2, True)
    due = chores.store.compat.tasks.list_due(NOON)
    assert [task.task_id for task in due] == ["t1"]
    assert chores.claim_due(2) == Claimed(1, False)


def test_missed_fires_are_two_rows_and_one_late_run(chores: Chores) -> None:
    """B-82: what was missed does not come all at once."""
    chores.add(hourly())
    chores.wait(5 * HOUR + 30 * MINUTE)
    chores.claim_due()
    first, last = reversed(chores.store.tasks.list_fires(BREAD, 9))
    assert (first.fire_at, first.through, first.reason) == (NOON, NOON + 4 * HOUR, SkipReason.SUPERSEDED)
    assert (last.fire_at, last.state, last.is_late) == (NOON + 5 * HOUR, FireState.QUEUED, True)
    assert chores.task().next_run == NOON + 6 * HOUR


def test_missed_fires_are_skipped_where_the_task_wants_so(chores: Chores) -> None:
    """One row says which times there were."""
    chores.add(hourly(misfire=MisfirePolicy.SKIP))
    chores.wait(2 * HOUR + 30 * MINUTE)
    chores.claim_due()
    assert chores.fires() == [(NOON, "skipped", SkipReason.MISSED)]
    assert chores.fire().through == NOON + 2 * HOUR


def test_fire_is_skipped_while_its_task_runs(chores: Chores) -> None:
    """B-71: the default policy starts nothing beside a run."""
    chores.start(hourly())
    chores.wait(HOUR)
    chores.claim_due()
    assert chores.fires() == [(NOON, "running", None), (NOON + HOUR, "skipped", SkipReason.STILL_RUNNING)]


def test_one_fire_waits_for_the_run_where_the_task_wants_so(chores: Chores) -> None:
    """A task longer than its interval does not grow a queue without end."""
    chores.start(hourly(overlap=OverlapPolicy.QUEUE_ONE))
    for _ in range(2):
        chores.wait(HOUR)
        chores.claim_due()
    assert chores.fires()[1:] == [
        (NOON + HOUR, "queued", None),
        (NOON + 2 * HOUR, "skipped", SkipReason.ONE_IS_QUEUED),
    ]
    assert chores.codes().count(EventCode.TASK_QUEUED) == 1


def test_fire_time_has_one_row_when_a_client_sets_the_task_back(chores: Chores) -> None:
    """A scheduled task has at most one run per fire time, whatever `next_run` is made to say."""
    chores.start(hourly())
    chores.answer()
    chores.end()
    chores.store.tasks.change(BREAD, TaskChange(next_run=NOON), "Uma", chores.now)
    chores.claim_due()
    assert chores.fires() == [(NOON, "ran", None)]
    assert chores.task().next_run == NOON + HOUR


def test_client_may_move_the_next_look(chores: Chores) -> None:
    """`next_run` of a foreign client wakes us up, and what fires is the schedule."""
    chores.add(hourly(next_run=NOON - 20 * MINUTE))
    chores.wait(-20 * MINUTE)
    assert chores.claim_due() == Claimed(1, False)
    assert (chores.fires(), chores.task().next_run) == ([], NOON)


def test_once_is_completed_when_its_fire_is_settled_and_not_before(chores: Chores) -> None:
    """B-72: nothing is completed that may have to run again."""
    chores.start(once())
    assert (chores.task().status, chores.task().next_run) == ("active", None)
    chores.answer()
    chores.end()
    assert chores.task().status == "completed"
    assert EventCode.TASK_COMPLETED in chores.codes()


def test_missed_once_is_completed_by_the_claim_that_skips_it(chores: Chores) -> None:
    """With nothing to run there is nothing to wait for."""
    chores.add(once(misfire=MisfirePolicy.SKIP))
    chores.wait(HOUR)
    chores.claim_due()
    assert (chores.task().status, chores.fires()) == ("completed", [(NOON, "skipped", SkipReason.MISSED)])


@pytest.mark.parametrize(
    ("kind", "value"), [("cron", "0 9 * *"), ("interval", "0"), ("interval", str(2**63)), ("weekly", "monday")]
)
def test_task_that_cannot_be_read_is_paused_once(chores: Chores, kind: str, value: str) -> None:
    """B-75, B-81: it neither runs every minute nor ends in silence; ledger and chat say why."""
    chores.say("1")
    chores.add(hourly(schedule_type=kind, schedule_value=value))
    assert [chores.claim_due().handled for _ in range(2)] == [1, 0]
    assert (chores.task().status, chores.fire().state) == ("paused", FireState.SKIPPED)
    assert "schedule_" in str(chores.fire().reason)
    (notice,) = chores.notices()
    assert "Task 1 is paused: schedule_" in notice
    assert EventCode.TASK_PAUSED in chores.codes()


def test_task_without_its_group_is_paused(chores: Chores) -> None:
    """B-81: the reason is in the ledger and in the chat; whoever resumes it without a group is told again."""
    chores.add(hourly())
    chores.store.groups.remove(COOKS, NOON)
    chores.store.tasks.change(BREAD, TaskChange(status="active"), "Uma", NOON)
    chores.claim_due()
    assert chores.task().status == "paused"
    assert "cooks belongs to no group" in str(chores.fire().reason)
    assert ["cooks belongs to no group" in notice for notice in chores.notices()] == [True]


def test_task_of_a_chat_that_nobody_knows_is_paused(chores: Chores, store_settings: StoreSettings) -> None:
    """A row of the system before may be of any chat; where nobody has written nobody can be told."""
    chores.add(hourly())
    with open_raw(store_settings) as run_sql:
        run_sql("UPDATE scheduled_tasks SET chat_jid = 'local:nowhere'")
    chores.claim_due()
    assert chores.task().status == "paused"
    assert chores.store.outbox.count_waiting() == 0


def test_task_of_one_chat_does_not_run_in_another(chores: Chores) -> None:
    """Its folder was registered for other people meanwhile: they may not see its prompt."""
    chores.say("1")
    chores.register(GARDEN, GARDEN_CHAT)
    chores.add(hourly(group_folder=GARDEN, chat_jid=KITCHEN))
    chores.claim_due()
    assert "another chat" in str(chores.fire().reason)
    assert chores.store.tasks.list_ready(NOON, 9) == []


def test_paused_task_that_is_resumed_unrepaired_is_paused_again(chores: Chores) -> None:
    """The same instant twice makes neither a second row nor a second notice."""
    chores.say("1")
    chores.add(hourly(schedule_value="never"))
    for _ in range(2):
        chores.claim_due()
        assert chores.task().status == "paused"
        chores.store.tasks.change(BREAD, TaskChange(status="active"), "Uma", NOON)
    assert (len(chores.fires()), len(chores.notices())) == (1, 1)


def test_ready_groups_are_listed_by_how_long_they_wait(chores: Chores) -> None:
    """One line a group, with the time of its oldest fire; a fire that waits for its next try is none."""
    chores.register(GARDEN, GARDEN_CHAT)
    for number in range(2):
        chores.add(hourly(TaskId(f"g{number}"), group_folder=GARDEN, chat_jid=GARDEN_CHAT))
    chores.claim_due()
    chores.add(hourly(next_run=NOON + MINUTE, schedule_value="* * * * *"))
    later = chores.wait(MINUTE)
    chores.claim_due()
    ready = chores.store.tasks.list_ready(later, 9)
    assert ready == [ReadyTask(GARDEN_CHAT, GARDEN, NOON), ReadyTask(KITCHEN, COOKS, later)]
    assert chores.store.tasks.list_ready(later, 1) == ready[:1]
    chores.open_task()
    chores.end_failed()
    assert chores.store.tasks.list_ready(later, 9) == ready[:1]
    assert chores.store.tasks.list_ready(later + 5 * SECOND, 9) == ready


def test_wake_up_is_at_the_nearest_due_task_or_retry(chores: Chores) -> None:
    """Also a past instant; what is ready already needs no waking."""

    def wake_at() -> datetime | None:
        return chores.store.tasks.next_wake_at(chores.now)

    assert wake_at() is None
    chores.add(hourly())
    assert wake_at() == NOON
    chores.wait(MINUTE)
    assert wake_at() == NOON
    chores.claim_due()
    assert wake_at() == NOON + HOUR
    chores.open_task()
    retry_at = chores.end_failed()
    assert wake_at() == retry_at == chores.now + 5 * SECOND


def test_retry_is_due_when_somebody_sets_the_clock_back(chores: Chores) -> None:
    """A wait that is longer than any of ours was written by another clock."""
    chores.start(hourly())
    chores.end_failed()
    chores.wait(-timedelta(days=3))
    assert [ready.folder for ready in chores.store.tasks.list_ready(chores.now, 9)] == [COOKS]
    assert chores.store.tasks.next_wake_at(chores.now) == NOON + HOUR


def test_fires_are_counted_by_state(chores: Chores) -> None:
    """Only those on their way."""
    assert chores.store.tasks.count_fires() == {"queued": 0, "running": 0}
    chores.add(hourly(SOUP))
    chores.start(hourly())
    assert chores.store.tasks.count_fires() == {"queued": 1, "running": 1}
