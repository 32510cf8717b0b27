"""The rows of scheduled tasks as clients of the wire API and a foreign scheduler use them, on every engine."""

from __future__ import annotations

from datetime import timedelta

import pytest

from intercomd.domain.ids import Folder, TaskId
from intercomd.domain.scheduled import ContextMode, TaskChange
from intercomd.domain.schedules.misfires import SkipReason
from intercomd.errors import StoreConflict
from tests.store.chores import BREAD, HOUR, MINUTE, Chores, hourly, once
from tests.store.household import COOKS, NOON

SOUP = TaskId("soup")


def test_task_over_the_wire_has_everything_ours_have(chores: Chores) -> None:
    """One table: the next number, an anchor, the zone of the settings; its group may come later."""
    wire = chores.store.compat.tasks
    chores.add(hourly())
    wire.add(hourly(SOUP, anchor_at=None), NOON)
    wire.add(hourly(TaskId("early"), group_folder=Folder("nobody")), NOON)
    assert (chores.task(SOUP).number, chores.task(SOUP).anchor_at) == (2, NOON - HOUR)
    assert chores.task(TaskId("early")).number == 1
    with pytest.raises(StoreConflict, match="soup"):
        wire.add(hourly(SOUP), NOON)


def test_any_context_over_the_wire_but_group_is_isolated(chores: Chores) -> None:
    """B-76: a word that nobody knows does not hand over the conversation."""
    chores.store.compat.tasks.add(hourly(context_mode="fresh"), NOON)
    chores.claim_due()
    opened = chores.open_task()
    assert opened.task is not None
    assert opened.task.context_mode is ContextMode.ISOLATED


def test_change_of_the_schedule_over_the_wire_resets_the_anchor(chores: Chores) -> None:
    """B-82: the new interval counts from the change; an unknown task and other fields reset nothing."""
    wire = chores.store.compat.tasks
    chores.add(hourly(schedule_type="interval", schedule_value="3600000"))
    now = chores.wait(10 * MINUTE)
    wire.change(BREAD, TaskChange(prompt="cake"), now)
    wire.change(SOUP, TaskChange(prompt="cake"), now)
    assert chores.task().anchor_at == NOON - HOUR
    wire.change(BREAD, TaskChange(schedule_value="1800000"), now)
    assert chores.task().anchor_at == now
    chores.claim_due()
    assert chores.task().next_run == now + 30 * MINUTE


def test_removing_over_the_wire_skips_what_is_queued(chores: Chores) -> None:
    """No fire waits for a task that is gone; removing it twice is no error."""
    chores.add(hourly())
    chores.claim_due()
    for _ in range(2):
        chores.store.compat.tasks.remove(BREAD, NOON)
    assert chores.fires() == [(NOON, "skipped", SkipReason.TASK_REMOVED)]


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
    chores.wait(HOUR)
    chores.claim_due()
    assert chores.fires() == [(NOON + HOUR, "queued", None)]
    assert [task.task_id for task in wire.list_of_group(COOKS)] == ["bread", "soup"]
