"""The rows of scheduled tasks as clients of the wire API and a foreign scheduler use them, on every engine."""

from __future__ import annotations

from datetime import timedelta

from intercomd.domain.events import EventCode
from intercomd.domain.ids import TaskId
from intercomd.domain.scheduled import ContextMode
from tests.store.chores import BREAD, HOUR, Chores, hourly, once
from tests.store.household import COOKS, NOON

SOUP = TaskId("soup")


def test_any_context_over_the_wire_but_group_is_isolated(chores: Chores) -> None:
    """B-76: a word that nobody knows does not hand over the conversation."""
    chores.add(hourly(context_mode="fresh"))
    chores.claim_due()
    opened = chores.open_task()
    assert opened.task is not None
    assert opened.task.context_mode is ContextMode.ISOLATED


def test_foreign_scheduler_finds_due_tasks_and_moves_them_on(chores: Chores) -> None:
    """After a rollback the daemon before works on the same rows, and ours goes on from where it left them."""
    wire = chores.store.compat.tasks
    chores.add(hourly())
    chores.add(once(SOUP))
    assert [task.task_id for task in wire.list_due(NOON)] == ["bread", "soup"]
    done = chores.wait(timedelta(seconds=90))
    wire.finish_run(BREAD, NOON + HOUR, "Completed", done)
    wire.finish_run(SOUP, None, "Error: burnt", done)
    assert wire.list_due(done) == []
    soup = chores.task(SOUP)
    assert (soup.status, soup.last_run, soup.last_result) == ("completed", done, "Error: burnt")
    assert chores.codes(SOUP)[-2:] == [EventCode.TASK_RAN, EventCode.TASK_COMPLETED]
    chores.wait(HOUR)
    chores.claim_due()
    assert chores.fires() == [(NOON + HOUR, "queued", None)]
    assert [task.task_id for task in wire.list_of_group(COOKS)] == ["bread", "soup"]
