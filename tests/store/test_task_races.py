"""Scheduled tasks while others write too, on every engine: threads in one store, started together.

A deadlock would show as a lost race that repeats: each transaction may be run again, and none may take longer than the
engines wait for a lock.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from threading import Barrier

from intercomd.domain.ids import InputId, RunId, TaskId
from intercomd.domain.runs import Outcome
from intercomd.domain.scheduled import Claimed, FireState, TaskChange
from intercomd.errors import NotFound, StoreConflict
from intercomd.store.ports import RetryPolicy
from tests.store.chores import BREAD, HOUR, TASK_INPUT, Chores, hourly
from tests.store.household import COOKS, NOON, PROMPT, RUN, message
from tests.support.waiting import DEADLINE_SECONDS

ROUNDS = 12
NO_RETRY = RetryPolicy(())


def together(*works: Callable[[], object]) -> list[object]:
    """Run all of it at once, each in a thread of its own, and give what they return."""
    barrier = Barrier(len(works))

    def one(work: Callable[[], object]) -> object:
        barrier.wait(DEADLINE_SECONDS)
        return work()

    with ThreadPoolExecutor(len(works)) as pool:
        return [future.result(DEADLINE_SECONDS) for future in [pool.submit(one, work) for work in works]]


def test_two_claimants_give_one_row(chores: Chores) -> None:
    """B-71: whoever comes second finds nothing due."""
    for number in range(20):
        chores.add(hourly(TaskId(f"t{number:02}")))
    claimed = together(*[chores.claim_due] * 4)
    assert sorted(one.handled for one in claimed if isinstance(one, Claimed)) == [0, 0, 0, 20]
    for number in range(20):
        assert len(chores.fires(TaskId(f"t{number:02}"))) == 1


def test_two_openers_run_one_fire_once(chores: Chores) -> None:
    """B-71: the second finds the group's live run."""
    chores.add(hourly())
    chores.add(hourly(TaskId("soup")))
    chores.claim_due()

    def open_as(name: str) -> bool:
        with suppress(StoreConflict):
            return chores.find_task_run(RunId(name), InputId(name)) is not None
        return False

    assert sorted(together(*[partial(open_as, name) for name in "abcd"]), key=bool) == [False] * 3 + [True]
    assert chores.store.tasks.count_fires() == {"queued": 1, "running": 1}


def test_same_task_twice_at_once_is_one_task(chores: Chores) -> None:
    """The id is the key, and numbers are not given twice."""
    added = together(*[lambda: chores.add(hourly())] * 4, lambda: chores.add(hourly(TaskId("soup"))))
    assert len({repr(task) for task in added}) == 2
    assert sorted(task.number for task in chores.store.tasks.list_tasks(COOKS, 9)) == [1, 2]


def test_run_asked_for_twice_at_once_is_one_fire(chores: Chores) -> None:
    """With one key both get the same fire."""
    chores.add(hourly(next_run=NOON + HOUR))
    fires = together(*[lambda: chores.store.tasks.run_now(BREAD, "k", "Uma", NOON)] * 4)
    assert len(set(fires)) == 1
    assert len(chores.fires()) == 1


def test_ends_claims_and_messages_do_not_wait_in_a_circle(chores: Chores) -> None:
    """A run ends with a notice while its task is claimed again, people write, and the group is looked at by all."""
    for number in range(ROUNDS):
        chores.add(hourly(TaskId(f"t{number:02}")))
    chores.claim_due()
    for number in range(ROUNDS):
        run_id = RunId(f"r{number}")
        assert chores.find_task_run(run_id, InputId(f"i{number}")) is not None
        chores.wait(HOUR)
        task_id, change = TaskId(f"t{number:02}"), TaskChange(prompt=f"p{number}")
        together(
            partial(chores.end, run_id, Outcome.FAILED, NO_RETRY),
            chores.claim_due,
            partial(chores.store.chats.ingest, message(f"m{number}"), chores.now),
            partial(chores.store.tasks.change, task_id, change, "Uma", chores.now),
        )
        assert chores.store.runs.get(run_id).outcome is Outcome.FAILED
    fires = [chores.store.tasks.list_fires(TaskId(f"t{number:02}"), 100) for number in range(ROUNDS)]
    assert sum(fire.state is FireState.FAILED for rows in fires for fire in rows) == ROUNDS
    assert chores.store.tasks.count_fires()["running"] == 0
    assert chores.progress().last_seq == ROUNDS


def test_removing_a_group_while_its_tasks_are_claimed_leaves_nothing_queued(chores: Chores) -> None:
    """Whichever comes first: no fire waits for a group that is gone, and no task of it is active."""
    for number in range(ROUNDS):
        chores.add(hourly(TaskId(f"t{number:02}")))

    def remove() -> None:
        with suppress(NotFound):
            chores.store.groups.remove(COOKS, NOON)

    together(chores.claim_due, remove, lambda: chores.store.tasks.remove(TaskId("t05"), "Uma", NOON), remove)
    assert chores.store.tasks.count_fires() == {"queued": 0, "running": 0}
    assert chores.store.tasks.count_active(COOKS) == 0


def test_stop_and_end_at_once_settle_the_fire_once(chores: Chores) -> None:
    """One of them decides, and the other finds it decided."""
    chores.start(hourly())

    def stop() -> None:
        chores.store.sessions.cancel(
            COOKS,
            key="k",
            clears_session=True,
            runtime=None,
            model=None,
            reply=None,
            handled=None,
            now=NOON,
        )

    together(stop, lambda: chores.end(RUN, Outcome.FAILED, NO_RETRY), lambda: chores.record(settles=(TASK_INPUT,)))
    assert chores.fire().settled_at is not None
    assert chores.store.runs.list_live() == []


def test_request_and_task_that_open_at_once_give_one_run(chores: Chores) -> None:
    """One run at a time per group; what lost waits."""
    chores.say("1")
    chores.add(hourly())
    chores.claim_due()

    def open_for_people() -> None:
        with suppress(StoreConflict):
            chores.open(RunId("people"), input_id=PROMPT)

    def open_for_task() -> None:
        with suppress(StoreConflict):
            chores.find_task_run(RunId("task"))

    together(open_for_people, open_for_task)
    (live,) = chores.store.runs.list_live()
    assert (chores.fire().state is FireState.RUNNING) == (live.task_id is not None)
    assert chores.progress().has_pending
