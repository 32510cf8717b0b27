"""Scheduled tasks over the wire (original.md §6.2)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from intercomd.domain.ids import TaskId
from intercomd.domain.instants import iso_ms
from tests.wire.conftest import Wire
from tests.wire.table import JID

LOG = {"task_id": "t1", "run_at": "2024-01-15T11:00:00Z", "duration_ms": 5, "status": "error", "error": "no"}


@pytest.fixture
def household(wire: Wire) -> Wire:
    """With the group family and no tasks."""
    wire.register(JID, "family")
    return wire


def get(wire: Wire, task_id: str) -> Any:
    return wire.ask("/tasks/get", {"id": task_id})


def task(task_id: str, **changes: object) -> dict[str, object]:
    return {
        "id": task_id,
        "group_folder": "family",
        "chat_jid": JID,
        "prompt": "p",
        "schedule_type": "cron",
        "schedule_value": "0 9 * * *",
        "created_at": "2024-01-15T10:00:00Z",
    } | changes


def test_task_with_a_known_id_is_refused_with_the_cause(seeded: Wire) -> None:
    """B-17: a duplicate is the caller's error, told as such, and the first task stays."""
    problem = seeded.refused("/tasks", task("t1"), 409)
    assert "t1" in problem["detail"]
    assert get(seeded, "t1")["prompt"] == "wake us"


def test_task_that_is_sent_again_is_stored_once(household: Wire) -> None:
    """A client that did not get the answer may repeat its request, word for word."""
    for _ in range(2):
        assert household.ask("/tasks", task("t9")) == {"ok": True}
    assert len(household.ask("/tasks/all")) == 1


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"schedule_value": "0 9 * *"}, "schedule_value"),
        ({"schedule_value": "0 0 9 * * 1"}, "schedule_value"),
        ({"schedule_type": "interval", "schedule_value": "0"}, "schedule_value"),
        ({"schedule_type": "interval", "schedule_value": str(2**63 - 1)}, "schedule_value"),
        ({"schedule_type": "once", "schedule_value": "soon"}, "schedule_value"),
        ({"schedule_type": "once", "schedule_value": "2024-06-01T09:00"}, "schedule_value"),
        ({"schedule_type": "daily"}, "schedule_type"),
        ({"context_mode": "shared"}, "context_mode"),
        ({"status": "asleep"}, "status"),
        ({"prompt": ""}, "prompt"),
        ({"chat_jid": "tg:-2"}, "chat_jid"),
        ({"group_folder": "strangers"}, "chat_jid"),
    ],
)
def test_task_that_would_not_run_as_meant_is_refused_when_it_is_stored(
    household: Wire, changes: dict[str, object], field: str
) -> None:
    """B-72, B-73, B-75: a broken schedule, a word that is none, a chat that is not the group's."""
    assert household.refused("/tasks", task("t9", **changes), 422)["field"] == field
    assert household.ask("/tasks/all") == []


def test_task_without_a_time_gets_the_next_one_of_its_schedule(household: Wire) -> None:
    """B-72: the existing system never ran it; a given time is kept, also one that is past."""
    household.ask("/tasks", task("t8"))
    found = get(household, "t8")["next_run"]
    assert found > iso_ms(household.api.services.clock.now())
    assert found.endswith(("T07:00:00.000Z", "T08:00:00.000Z"))  # nine in Vienna, the default zone
    household.ask("/tasks", task("t9", next_run="2024-01-15T11:00:00Z"))
    assert get(household, "t9")["next_run"] == "2024-01-15T11:00:00.000Z"


def test_interval_counts_from_the_time_that_was_given(household: Wire) -> None:
    """Its fires after the first one follow it."""
    interval = task("t9", schedule_type="interval", schedule_value="60000", next_run="2024-01-15T11:00:00Z")
    household.ask("/tasks", interval)
    stored = household.store.tasks.get(TaskId("t9"))
    assert stored.next_run is not None
    assert stored.anchor_at == stored.next_run - timedelta(minutes=1)


def test_update_follows_the_rules_of_new_tasks(seeded: Wire) -> None:
    """B-75, B-82: what is broken is refused; a new schedule and a resumed task fire from now on, and not at once."""
    before = get(seeded, "t1")
    for body, field in (
        ({"schedule_value": "0"}, "schedule_value"),
        ({"schedule_type": "cron"}, "schedule_value"),
        ({"status": "asleep"}, "status"),
        ({"prompt": " "}, "prompt"),
    ):
        assert seeded.refused("/tasks/update", {"id": "t1"} | body, 422)["field"] == field
    assert get(seeded, "t1") == before
    seeded.ask("/tasks/update", {"id": "t1", "schedule_value": "3600000"})
    now = seeded.api.services.clock.now()
    assert get(seeded, "t1")["next_run"] > iso_ms(now + timedelta(minutes=59))
    for status in ("paused", "active"):
        seeded.ask("/tasks/update", {"id": "t1", "status": status})
    assert get(seeded, "t1")["next_run"] > iso_ms(now)


def test_once_that_is_past_is_not_resumed(seeded: Wire) -> None:
    """409 with what would help: another time, by schedule or as `next_run`."""
    assert "change its schedule" in seeded.refused("/tasks/update", {"id": "t2", "status": "active"}, 409)["detail"]
    seeded.ask("/tasks/update", {"id": "t2", "status": "active", "next_run": "2999-01-01T00:00:00Z"})
    assert (get(seeded, "t2")["status"], get(seeded, "t2")["next_run"]) == ("active", "2999-01-01T00:00:00.000Z")


@pytest.mark.parametrize("path", ["/tasks", "/tasks/group", "/sessions/get", "/sessions/set", "/sessions/delete"])
def test_folder_is_checked_wherever_it_enters(wire: Wire, path: str) -> None:
    """B-42: no path can come in as a folder."""
    for folder in ("/", "../../..", "global", "", "a b"):
        body = task("t9", group_folder=folder) | {"session_id": "s"}
        assert wire.refused(path, body, 422)["field"] == "group_folder"


def test_update_sets_only_what_is_given(seeded: Wire) -> None:
    """Absent and null leave a field alone; an unknown id and nothing to change are no errors."""
    before = get(seeded, "t1")
    for body in ({"id": "t1"}, {"id": "t1", "prompt": None, "next_run": None}, {"id": "none", "prompt": "x"}):
        assert seeded.ask("/tasks/update", body) == {"ok": True}
    assert get(seeded, "t1") == before
    seeded.ask("/tasks/update", {"id": "t1", "next_run": "2024-02-01T00:00:00+01:00", "status": "paused"})
    assert get(seeded, "t1") == before | {"next_run": "2024-01-31T23:00:00.000Z", "status": "paused"}


def test_due_are_active_tasks_whose_time_has_come_earliest_first(household: Wire) -> None:
    """Paused tasks and tasks of the future are not due."""
    for body in (
        task("late", next_run="2024-01-15T11:00:00Z"),
        task("early", next_run="2024-01-15T10:00:00Z"),
        task("paused", next_run="2024-01-15T10:00:00Z", status="paused"),
        task("next morning"),
        task("future", next_run="2999-01-01T00:00:00Z"),
    ):
        household.ask("/tasks", body)
    assert [due["id"] for due in household.ask("/tasks/due")] == ["early", "late"]


def test_after_run_moves_the_task_on(seeded: Wire) -> None:
    """`last_run` is now; without a next time the task is completed."""
    before = seeded.api.services.clock.now() - timedelta(milliseconds=1)
    seeded.ask("/tasks/after-run", {"id": "t1", "next_run": "2024-01-16T00:00:00Z", "last_result": "Completed"})
    found = get(seeded, "t1")
    assert iso_ms(before) <= found["last_run"] <= iso_ms(seeded.api.services.clock.now())
    assert datetime.fromisoformat(found["last_run"])
    assert (found["next_run"], found["status"]) == ("2024-01-16T00:00:00.000Z", "active")
    seeded.ask("/tasks/after-run", {"id": "t1", "last_result": "Error: x"})
    found = get(seeded, "t1")
    assert (found["next_run"], found["status"], found["last_result"]) == (None, "completed", "Error: x")
    assert seeded.ask("/tasks/due") == []


def test_tasks_are_ours_alone_while_our_scheduler_is_active(seeded: Wire) -> None:
    """B-33, B-71: two schedulers on one table would run each task twice; validation still comes first."""
    seeded.api.orchestrator.is_scheduling = True
    seeded.refused("/tasks/due", None, 409)
    seeded.refused("/tasks/after-run", {"id": "t1", "last_result": "x"}, 409)
    seeded.refused("/tasks/after-run", {"id": "t1"}, 422)
    assert get(seeded, "t1")["last_run"] is None


def test_deleting_a_task_takes_its_log_along(seeded: Wire) -> None:
    """Nothing of a task is left, its id is free again, and deleting it twice is no error."""
    seeded.ask("/tasks/log", LOG)
    for _ in range(2):
        seeded.ask("/tasks/delete", {"id": "t1"})
    assert get(seeded, "t1") is None
    seeded.ask("/tasks", task("t1"))


def test_log_of_an_unknown_task_is_refused(wire: Wire) -> None:
    """B-17: 404 with the id instead of a label."""
    assert "t1" in wire.refused("/tasks/log", LOG, 404)["detail"]


@pytest.mark.parametrize("field", ["created_at", "next_run"])
def test_time_of_a_task_that_cannot_be_read_is_the_callers_error(household: Wire, field: str) -> None:
    """B-17: the field is named and nothing is stored."""
    assert household.refused("/tasks", task("t1", **{field: "soon"}), 422)["field"] == field
    assert household.ask("/tasks/all") == []


@pytest.mark.parametrize("path", ["/tasks", "/tasks/update", "/tasks/after-run"])
def test_next_time_at_the_end_of_the_calendar_is_refused(seeded: Wire, path: str) -> None:
    """Not every zone has that instant: a list that shows it in local time would show nothing at all."""
    before = seeded.ask("/tasks/all")
    end = {"next_run": "9999-12-31T23:59:59.999Z"}
    body = task("t9") if path == "/tasks" else {"id": "t1", "last_result": "x"} if "after" in path else {"id": "t1"}
    assert seeded.refused(path, body | end, 422)["field"] == "next_run"
    assert seeded.ask("/tasks/all") == before
