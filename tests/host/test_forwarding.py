"""`POST /v1/ipc/forward-task`: the task objects of original.md §11.2, with the rights that our store knows of."""

from __future__ import annotations

from typing import Any

import pytest

from intercomd.domain.chat import Group
from intercomd.domain.ids import ChatJid, Folder
from intercomd.domain.scheduled import ScheduledTask
from intercomd.store.ports import Store
from tests.host.test_callback import FORWARD, KITCHEN, NOW, OK, Host, host
from tests.support.daemon_client import Answer
from tests.support.waiting import logged_events

__all__ = ["host"]

FAMILY = ChatJid("tg:-1")
SCHEDULE = {
    "type": "schedule_task",
    "prompt": "secret words",
    "schedule_type": "cron",
    "schedule_value": "0 9 * * 1-5",
    "context_mode": None,
    "targetJid": KITCHEN,
    "createdBy": "cooks",
    "timestamp": None,
}


@pytest.fixture(autouse=True)
def groups(host: Host) -> None:
    """The group cooks in the kitchen's chat, and the main group."""
    for jid, folder in ((KITCHEN, "cooks"), (FAMILY, "main")):
        host.store.groups.add(Group(jid, folder, Folder(folder)), NOW)


def forward(host: Host, task: object, folder: str = "cooks", **more: object) -> Answer:
    return host.send(FORWARD, {"task": task, "group_folder": folder, **more})


def refused(host: Host, task: object, folder: str = "cooks", **more: object) -> str:
    """The reason, which the log has too, without the prompt."""
    with logged_events() as probe:
        answered = forward(host, task, folder, **more)
        logged = probe.wait_for_event("host.task_refused", folder=folder)
    assert answered.status == 422, answered
    assert "secret" not in str(logged)
    return str(answered.json["error"])


def stored(store: Store) -> list[ScheduledTask]:
    return store.tasks.list_tasks(None, 10)


def test_task_is_scheduled_when_the_answer_comes(host: Host) -> None:
    """B-33, B-85: it is in the store that the scheduler reads; what is no context mode means isolated."""
    assert forward(host, SCHEDULE, is_main=False).json == OK
    (task,) = stored(host.store)
    assert (task.group_folder, task.chat_jid, task.context_mode) == ("cooks", KITCHEN, "isolated")
    assert task.next_run is not None
    assert task.next_run > NOW


def test_repeated_id_schedules_once(host: Host) -> None:
    """The existing client sends none, and means each; with one it may ask again."""
    for _ in range(2):
        assert forward(host, SCHEDULE, id="a").json == OK
    assert len(stored(host.store)) == 1
    for _ in range(2):
        assert forward(host, SCHEDULE).json == OK
    assert len(stored(host.store)) == 3


def test_task_is_paused_resumed_and_cancelled(host: Host) -> None:
    """By its own group and by the main group."""
    forward(host, SCHEDULE, id="a")
    (task,) = stored(host.store)
    for kind, folder, status in (("pause_task", "cooks", "paused"), ("resume_task", "main", "active")):
        assert forward(host, {"type": kind, "taskId": task.task_id, "groupFolder": None}, folder).json == OK
        assert host.store.tasks.get(task.task_id).status == status
    assert forward(host, {"type": "cancel_task", "taskId": task.task_id}).json == OK
    assert stored(host.store) == []


def test_rights_are_those_that_the_store_knows(host: Host) -> None:
    """B-44: saying that one is the main group does not make one so."""
    forward(host, SCHEDULE | {"targetJid": FAMILY}, "main")
    (task,) = stored(host.store)
    claims: dict[str, Any] = {"is_main": True}
    assert "another group's" in refused(host, {"type": "cancel_task", "taskId": task.task_id}, **claims)
    assert "only the main group" in refused(host, SCHEDULE | {"targetJid": FAMILY}, **claims)
    assert "only the main group" in refused(host, registration(), **claims)
    assert stored(host.store) == [task]
    assert host.store.groups.count() == 2


def test_main_group_registers_a_chat_with_all_its_fields(host: Host) -> None:
    """B-87, B-101: nothing is lost on the way, and a folder in use is refused."""
    assert forward(host, registration(), "main").json == OK
    group = host.store.groups.get(Folder("club")).group
    assert (group.requires_trigger, group.container_config) == (False, {"timeout": 5000})
    assert "cooks" in refused(host, registration(jid="tg:9", folder="cooks"), "main")


@pytest.mark.parametrize(
    ("task", "folder", "reason"),
    [
        ({}, "cooks", "type"),
        ({"type": "dance"}, "cooks", "dance"),
        (SCHEDULE | {"prompt": None}, "cooks", "prompt"),
        (SCHEDULE | {"prompt": ""}, "cooks", "prompt"),
        (SCHEDULE | {"schedule_value": "0 9 * *"}, "cooks", "5 fields"),
        ({"type": "pause_task"}, "cooks", "taskId"),
        ({"type": "pause_task", "taskId": "none"}, "cooks", "none"),
        (SCHEDULE, "../x", "group_folder"),
        (SCHEDULE, "strangers", "strangers"),
    ],
)
def test_what_cannot_be_done_is_refused_with_the_reason(
    host: Host, task: dict[str, object], folder: str, reason: str
) -> None:
    """B-83: the caller hears it and the log has it, so nothing is dropped unseen."""
    assert reason in refused(host, task, folder)
    assert stored(host.store) == []


def registration(**changes: object) -> dict[str, object]:
    return {
        "type": "register_group",
        "jid": "tg:5",
        "name": "Club",
        "folder": "club",
        "trigger": "@Ada",
        "requiresTrigger": False,
        "containerConfig": {"timeout": 5000},
    } | changes
