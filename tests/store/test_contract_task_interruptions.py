"""Commands and changes that meet a task's run or its queued fires, on every engine: no fire stays behind."""

from __future__ import annotations

import pytest

from intercomd.domain.events import EventCode
from intercomd.domain.ids import ChatJid, Folder, RunId, TaskId
from intercomd.domain.runs import Outcome
from intercomd.domain.scheduled import ReadyTask
from intercomd.domain.schedules.misfires import SkipReason
from intercomd.errors import StoreConflict
from intercomd.store.ports import Cancelled
from tests.store.chores import HOUR, MINUTE, TASK_INPUT, Chores, hourly, once
from tests.store.household import COOKS, KITCHEN, NOON, PROMPT, RUN, message

BAKERS = Folder("bakers")
GARDEN_CHAT = ChatJid("local:garden")
SECOND_RUN = RunId("run-2")
SOUP = TaskId("soup")


def stop(chores: Chores, key: str = "stop") -> Cancelled:
    """`/stop`."""
    return chores.store.sessions.cancel(
        COOKS,
        key=key,
        clears_session=False,
        runtime=None,
        model=None,
        reply=None,
        handled=None,
        now=chores.now,
    )


def test_stop_settles_the_fire_of_the_live_run(chores: Chores) -> None:
    """B-28: what people stopped is not run again, and its later frames change nothing."""
    chores.start(once())
    first, again = stop(chores), stop(chores)
    assert (first.run_id, again.run_id, again.is_repeat) == (RUN, RUN, True)
    assert chores.fires() == [(NOON, "stopped", "cancelled")]
    assert chores.store.runs.get(RUN).outcome is Outcome.STOPPED
    assert chores.record(replies=("late",), settles=(TASK_INPUT,)).is_superseded
    assert (chores.task().status, chores.notices()) == ("completed", [])
    assert chores.codes().count(EventCode.TASK_STOPPED) == 1


def test_stop_after_the_answer_leaves_a_fire_that_has_run(chores: Chores) -> None:
    """The answer is there, whatever was stopped after it."""
    chores.start(hourly())
    chores.answer()
    stop(chores)
    assert chores.fires() == [(NOON, "ran", None)]


def test_stop_leaves_requests_and_queued_fires_waiting(chores: Chores) -> None:
    """Only what is under way is stopped; a request that nobody took up keeps its place."""
    chores.add(once(SOUP))
    chores.start(hourly())
    chores.say("1")
    stop(chores)
    assert chores.progress().has_pending
    assert chores.store.tasks.list_ready(NOON, 9) == [ReadyTask(KITCHEN, COOKS, NOON)]


def test_stop_during_a_task_ends_the_wait_of_a_request_too(chores: Chores) -> None:
    """B-28: a request that failed and waits for its next try does not start again by itself either."""
    chores.say("1")
    chores.open(RunId("chat"))
    chores.end(RunId("chat"), Outcome.FAILED)
    chores.start(hourly())
    stop(chores)
    assert not chores.progress().has_pending
    assert chores.fires() == [(NOON, "stopped", "cancelled")]


def test_stop_without_a_run_settles_the_request_and_no_fire(chores: Chores) -> None:
    """The retry it ends is the request's, though a task's run ended later than that one's."""
    chores.say("1")
    chores.open(RunId("chat"))
    chores.end(RunId("chat"), Outcome.FAILED)
    chores.wait(MINUTE)
    chores.start(hourly())
    chores.end_failed()
    assert stop(chores).run_id is None
    assert not chores.progress().has_pending
    assert chores.fires() == [(NOON, "queued", None)]


@pytest.mark.parametrize("context_mode", ["group", "isolated"])
def test_replaced_session_queues_the_fire_again(chores: Chores, context_mode: str) -> None:
    """B-29: the run of the old session ends as if drained; unless it said something, its fire runs in the new one."""
    chores.start(hourly(context_mode=context_mode))
    assert chores.store.sessions.replace(COOKS, "new", NOON)
    assert chores.fires() == [(NOON, "queued", None)]
    opened = chores.open_task(SECOND_RUN)
    assert (opened.attempt, opened.session_id) == (1, "new" if context_mode == "group" else None)
    chores.record(SECOND_RUN, replies=("half",), generation=1)
    assert chores.store.sessions.replace(COOKS, "newer", NOON)
    assert [state for _, state, _ in chores.fires()] == ["stopped_by_drain"]


def test_removing_a_group_pauses_its_tasks(chores: Chores) -> None:
    """B-81: nothing fires for a group that is gone, and what was queued says so; tasks of others go on."""
    chores.register(Folder("garden"), GARDEN_CHAT)
    chores.add(hourly(SOUP, group_folder=Folder("garden"), chat_jid=GARDEN_CHAT))
    chores.add(hourly())
    chores.claim_due()
    chores.store.groups.remove(COOKS, NOON)
    assert chores.fires() == [(NOON, "skipped", SkipReason.GROUP_REMOVED)]
    assert (chores.task().status, chores.task(SOUP).status) == ("paused", "active")
    assert EventCode.TASK_PAUSED in chores.codes()
    chores.wait(2 * HOUR)
    assert chores.claim_due().handled == 1


def test_group_is_not_removed_while_its_task_runs(chores: Chores) -> None:
    """The run has to be stopped first, which settles its fire."""
    chores.start(hourly())
    with pytest.raises(StoreConflict, match="run-1"):
        chores.store.groups.remove(COOKS, NOON)
    with pytest.raises(StoreConflict, match="run-1"):
        chores.register(BAKERS, KITCHEN)
    stop(chores)
    chores.store.groups.remove(COOKS, NOON)


def test_tasks_go_along_when_a_chat_gets_another_folder(chores: Chores) -> None:
    """The same people expect their reminders and numbers; what was queued runs in the new folder."""
    chores.add(hourly())
    chores.claim_due()
    chores.register(BAKERS, KITCHEN)
    assert (chores.task().group_folder, chores.task().number) == (BAKERS, 1)
    assert chores.store.tasks.list_ready(NOON, 9) == [ReadyTask(KITCHEN, BAKERS, NOON)]
    assert chores.store.runs.open_task_run(chores.dispatch, BAKERS, RUN, TASK_INPUT, NOON) is not None
    assert EventCode.TASK_MOVED in chores.codes()


def test_tasks_that_move_take_numbers_nobody_had(chores: Chores) -> None:
    """A folder with tasks of an earlier group keeps theirs apart."""
    chores.register(BAKERS, GARDEN_CHAT)
    chores.add(hourly(SOUP, group_folder=BAKERS, chat_jid=GARDEN_CHAT))
    chores.store.groups.remove(BAKERS, NOON)
    chores.add(hourly())
    chores.add(hourly(TaskId("cake")))
    chores.register(BAKERS, KITCHEN)
    assert [chores.task(TaskId(name)).number for name in ("soup", "bread", "cake")] == [1, 2, 3]
    assert chores.add(hourly(TaskId("pie"), group_folder=BAKERS)).number == 4


def test_request_is_answered_beside_a_task_that_waits(chores: Chores) -> None:
    """A run for people neither takes up nor settles a fire."""
    chores.add(hourly())
    chores.claim_due()
    chores.store.chats.ingest(message("1"), NOON)
    chores.open()
    chores.record(settles=(PROMPT,))
    chores.end()
    assert chores.fires() == [(NOON, "queued", None)]
