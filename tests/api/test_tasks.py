"""`/v1/tasks`: what is asked and answered. The rules themselves are tested in tests/domain and tests/desk."""

from __future__ import annotations

from typing import Any

import pytest

from intercomd.api.tasks import NewTask, TaskPatch
from intercomd.clock import SystemClock
from intercomd.domain.chat import Group
from intercomd.domain.ids import ChatJid, Folder, TaskId
from intercomd.domain.scheduled import TaskChange
from intercomd.domain.task_rules import TaskDraft, TaskEdit
from tests.api.conftest import Api, Reply

DAILY = {"folder": "cooks", "prompt": "wake us", "schedule_type": "cron", "schedule_value": "0 9 * * 1-5"}


@pytest.fixture
def kitchen(api: Api) -> Api:
    """With the groups cooks and guests."""
    for folder in ("cooks", "guests"):
        api.store.groups.add(Group(ChatJid(f"tg:{folder}"), folder, Folder(folder)), SystemClock().now())
    return api


def add(api: Api, **fields: object) -> Any:
    reply = api.call("POST", "/v1/tasks", DAILY | fields)
    assert reply.status == 201, reply
    return reply.json


def post(api: Api, path: str, body: object = None) -> Reply:
    return api.call("POST", f"/v1/tasks{path}", body)


def test_task_is_created_read_changed_and_cancelled(kitchen: Api) -> None:
    """The answers have all there is to show, in UTC and as the task's clock shows it; the Scheduler hears of each."""
    made = add(kitchen, timezone="Asia/Kolkata", misfire="skip", overlap="queue_one", context_mode="group")
    path = f"/v1/tasks/{made['task_id']}"
    assert kitchen.get(path) == made
    shown = {
        "folder": "cooks",
        "number": 1,
        "chat_jid": "tg:cooks",
        "schedule": "weekdays at 09:00",
        "timezone": "Asia/Kolkata",
        "context_mode": "group",
        "misfire": "skip",
        "overlap": "queue_one",
        "status": "active",
    }
    assert shown.items() <= made.items()
    assert made["next_run"].endswith("T03:30:00.000Z")
    assert made["next_run_local"].endswith(" 09:00")
    changed = kitchen.call("PATCH", path, {"prompt": "up!", "timezone": "UTC", "misfire": None}).json
    assert changed == made | {
        "prompt": "up!",
        "timezone": "UTC",
        "next_run": changed["next_run"],
        "next_run_local": changed["next_run_local"],
    }
    assert changed["next_run"].endswith("T09:00:00.000Z")
    assert kitchen.call("DELETE", path).status == 204
    assert "no task" in kitchen.call("GET", path).problem["detail"]
    assert kitchen.call("DELETE", path).status == 404
    assert kitchen.task_changes.values == ["changed"] * 3


def test_task_without_a_zone_has_that_of_the_settings(kitchen: Api) -> None:
    """And the safe policies."""
    made = add(kitchen)
    policies = (made["timezone"], made["context_mode"], made["misfire"], made["overlap"])
    assert policies == ("Europe/Vienna", "isolated", "run_once", "skip")


def test_request_that_is_repeated_makes_one_task(kitchen: Api) -> None:
    """A client that did not get the answer asks again with its id; other words under it are refused."""
    assert add(kitchen, id="mine") == add(kitchen, id="mine")
    assert len(kitchen.get("/v1/tasks")["tasks"]) == 1
    assert post(kitchen, "", DAILY | {"id": "mine", "prompt": "other"}).status == 409


@pytest.mark.parametrize(
    ("change", "status", "field"),
    [
        ({"schedule_value": "0 9 * *"}, 422, "schedule_value"),
        ({"schedule_type": "interval", "schedule_value": "0"}, 422, "schedule_value"),
        ({"schedule_type": "once", "schedule_value": "2020-01-01T10:00"}, 422, "schedule_value"),
        ({"schedule_type": "often"}, 422, "schedule_type"),
        ({"timezone": "Europe/Viena"}, 422, "timezone"),
        ({"prompt": " "}, 422, "prompt"),
        ({"context_mode": "shared"}, 422, "context_mode"),
        ({"misfire": "x"}, 422, "misfire"),
        ({"overlap": "x"}, 422, "overlap"),
        ({"folder": "../x"}, 422, "folder"),
        ({"id": ""}, 422, "id"),
        ({"id": "a\0b"}, 422, "id"),
        ({"id": "x" * 129}, 422, "id"),
        ({"time_zone": "UTC"}, 422, "body"),
        ({"folder": "nowhere"}, 404, None),
    ],
)
def test_wrong_task_is_refused_with_its_field(
    kitchen: Api, change: dict[str, object], status: int, field: str | None
) -> None:
    """B-72, B-73, B-75: nothing is stored that would never run as meant."""
    problem = post(kitchen, "", DAILY | change).problem
    assert (problem["status"], problem.get("field")) == (status, field)
    assert kitchen.get("/v1/tasks") == {"tasks": [], "next": None}


def test_wrong_change_is_refused_with_its_field(kitchen: Api) -> None:
    """The task stays as it is."""
    made = add(kitchen)
    path = f"/v1/tasks/{made['task_id']}"
    problem = kitchen.call("PATCH", path, {"timezone": "Europe/Viena"}).problem
    assert (problem["status"], problem["field"]) == (422, "timezone")
    assert "Europe/Vienna" in problem["detail"]
    assert kitchen.call("PATCH", path, {"folder": "guests"}).problem["field"] == "body"
    assert kitchen.get(path) == made


def test_tasks_are_listed_page_by_page_and_by_group(kitchen: Api) -> None:
    """Following `next` gives each task once."""
    for number in range(3):
        add(kitchen, id=f"t{number}")
    add(kitchen, id="t9", folder="guests")
    seen, page = [], kitchen.get("/v1/tasks?limit=2")
    while page["tasks"]:
        seen += [task["task_id"] for task in page["tasks"]]
        page = kitchen.get(f"/v1/tasks?limit=2&after={page['next']}") if page["next"] else {"tasks": []}
    assert seen == ["t0", "t1", "t2", "t9"]
    assert [task["task_id"] for task in kitchen.get("/v1/tasks?group=guests")["tasks"]] == ["t9"]
    assert [task["task_id"] for task in kitchen.get("/v1/tasks?group=cooks&number=2")["tasks"]] == ["t1"]
    assert kitchen.call("GET", "/v1/tasks?group=cooks&number=9").status == 404


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/v1/tasks?group=..", "group"),
        ("/v1/tasks?limit=0", "limit"),
        ("/v1/tasks?number=1", "number"),
        ("/v1/tasks?after=%00", "after"),
        ("/v1/tasks/a%00b", "task_id"),
        ("/v1/tasks/x/fires?limit=x", "limit"),
    ],
)
def test_wrong_parameter_of_tasks_is_refused_by_name(kitchen: Api, path: str, field: str) -> None:
    """As elsewhere."""
    problem = kitchen.call("GET", path).problem
    assert (problem["status"], problem["field"]) == (422, field)


def test_task_is_paused_and_resumed(kitchen: Api) -> None:
    """Both can be asked twice; what is past is 409, with the way out."""
    path = f"/{add(kitchen, id='t')['task_id']}"
    for _ in range(2):
        assert post(kitchen, f"{path}/pause").json["status"] == "paused"
    for _ in range(2):
        assert post(kitchen, f"{path}/resume").json["status"] == "active"
    past = TaskChange(schedule_type="once", schedule_value="2020-01-01T10:00", status="completed")
    kitchen.store.tasks.change(TaskId("t"), past, "test", SystemClock().now())
    assert "change its schedule" in post(kitchen, f"{path}/resume").problem["detail"]
    assert post(kitchen, f"{path}/pause").status == 409
    assert post(kitchen, "/nothing/pause").status == 404


def test_task_is_run_now_and_its_fires_are_shown(kitchen: Api) -> None:
    """The same id again is the same fire; another one has to wait."""
    path = f"/{add(kitchen)['task_id']}"
    fire = post(kitchen, f"{path}/run", {"id": "a"}).json
    assert (fire["state"], fire["is_manual"], fire["settled_at"]) == ("queued", True, None)
    assert post(kitchen, f"{path}/run", {"id": "a"}).json == fire
    assert post(kitchen, f"{path}/run", {}).status == 409
    assert kitchen.get(f"/v1/tasks{path}/fires") == {"fires": [fire]}


def test_preview_shows_fires_with_warnings_before_anything_is_saved(kitchen: Api) -> None:
    """Ten of them, in UTC and with the offset of the zone."""
    schedule = {"schedule_type": "cron", "schedule_value": "30 2 * 3 0", "timezone": "Europe/Vienna"}
    preview = post(kitchen, "/preview", schedule).json
    assert preview["timezone"] == "Europe/Vienna"
    assert len(preview["fires"]) == 10
    (warned, *_) = [fire for fire in preview["fires"] if fire["warning"]]
    assert "02:30 does not exist" in warned["warning"]
    assert warned["local"].endswith("T03:00:00+02:00")
    assert post(kitchen, "/preview", schedule | {"schedule_value": "x"}).problem["field"] == "schedule_value"
    assert kitchen.get("/v1/tasks")["tasks"] == []


def test_api_has_the_defaults_and_fields_of_the_desk() -> None:
    """A field that the desk learns is not forgotten here."""
    elsewhere = {"task_id", "next_run", "status", "created_at"}
    named = {"zone": "timezone"}
    drafted = {named.get(field, field) for field in TaskDraft.__dataclass_fields__} - elsewhere
    edited = {named.get(field, field) for field in TaskEdit.__dataclass_fields__} - elsewhere
    assert drafted | {"id"} == set(NewTask.__struct_fields__)
    assert edited == set(TaskPatch.__struct_fields__)
