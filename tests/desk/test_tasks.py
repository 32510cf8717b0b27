"""Who may manage which tasks, and what the desk makes of it, on every engine."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from intercomd.desk.tasks import TaskDesk, TaskPolicy
from intercomd.domain.chat import Group
from intercomd.domain.ids import ChatJid, Folder, TaskId
from intercomd.domain.rights import OPERATOR, Requester
from intercomd.domain.scheduled import FireState, ScheduledTask, TaskStatus
from intercomd.domain.task_rules import TaskDraft, TaskEdit
from intercomd.errors import InvalidInput, NotFound, PolicyRefused, StoreConflict
from intercomd.store.ports import Store
from tests.store.conftest import engine, postgres_server, store, store_settings
from tests.support.simulator import VirtualClock

__all__ = ["engine", "postgres_server", "store", "store_settings"]

COOKS, GUESTS, MAIN = Folder("cooks"), Folder("guests"), Folder("main")
MEMBER = Requester(COOKS, False, "Uma")
STRANGER = Requester(GUESTS, False, "Ben")
CHIEF = Requester(MAIN, True, "Ada")


@dataclass
class Office:
    """A desk over a store with three groups, on a clock that stands at nine on the first of January 2026."""

    store: Store
    max_active: int = 1000
    clock: VirtualClock = field(default_factory=VirtualClock)
    changes: int = 0

    def __post_init__(self) -> None:
        for folder in (COOKS, GUESTS, MAIN):
            self.store.groups.add(Group(ChatJid(f"local:{folder}"), folder, folder), self.clock.now())
        numbers = itertools.count(1)
        policy = TaskPolicy("UTC", self.max_active)
        self.desk = TaskDesk(self.store, self.clock, lambda prefix: f"{prefix}-{next(numbers)}", policy, self._count)

    def _count(self) -> None:
        self.changes += 1

    def add(self, requester: Requester = MEMBER, **fields: Any) -> ScheduledTask:
        return self.desk.create(requester, draft(**fields))

    def pass_time(self, span: timedelta) -> None:
        self.clock.set_wall(self.clock.now() + span)


def draft(**fields: Any) -> TaskDraft:
    """Every half hour, for cooks."""
    usual = {"folder": COOKS, "prompt": "stir", "schedule_type": "interval", "schedule_value": "1800000"}
    return TaskDraft(**(usual | fields))


@pytest.fixture
def office(store: Store) -> Office:
    return Office(store)


ACTIONS: dict[str, Callable[[TaskDesk, Requester, TaskId], object]] = {
    "get": lambda desk, who, task_id: desk.get(who, task_id),
    "list_fires": lambda desk, who, task_id: desk.list_fires(who, task_id, 10),
    "change": lambda desk, who, task_id: desk.change(who, task_id, TaskEdit(prompt="stir more")),
    "pause": lambda desk, who, task_id: desk.pause(who, task_id),
    "resume": lambda desk, who, task_id: desk.resume(who, task_id),
    "run_now": lambda desk, who, task_id: desk.run_now(who, task_id, "key"),
    "cancel": lambda desk, who, task_id: desk.cancel(who, task_id),
}
EVERY_ACTION = pytest.mark.parametrize("action", ACTIONS)


@EVERY_ACTION
@pytest.mark.parametrize("requester", [MEMBER, CHIEF, OPERATOR], ids=["own group", "main group", "operator"])
def test_who_may_manage_a_task(office: Office, action: str, requester: Requester) -> None:
    """The task's own group, the main group and the operator, by whatever way they come (B-33)."""
    task = office.add()
    ACTIONS[action](office.desk, requester, task.task_id)


@EVERY_ACTION
def test_another_groups_task_is_refused_and_stays_as_it_is(office: Office, action: str) -> None:
    """The refusal names what was asked for and nothing that the other group has."""
    task = office.add(prompt="a secret")
    with pytest.raises(PolicyRefused) as refused:
        ACTIONS[action](office.desk, STRANGER, task.task_id)
    assert str(refused.value) == f"task {task.task_id} is another group's; only the main group may act on it"
    assert office.store.tasks.get(task.task_id) == task
    assert office.store.tasks.list_fires(task.task_id, 10) == []


@EVERY_ACTION
def test_unknown_task_is_not_found(office: Office, action: str) -> None:
    """Said as such to everybody."""
    with pytest.raises(NotFound, match="nothing"):
        ACTIONS[action](office.desk, MEMBER, TaskId("nothing"))
    assert office.changes == 0


def test_task_is_made_for_the_own_group_or_by_the_main_group_for_any(office: Office) -> None:
    """A group that is not there is refused, too, and before that the right to it."""
    assert office.add(CHIEF).chat_jid == "local:cooks"
    assert office.add(OPERATOR).number == 2
    for folder in (COOKS, Folder("nowhere")):
        with pytest.raises(PolicyRefused):
            office.add(STRANGER, folder=folder)
    with pytest.raises(NotFound, match="nowhere"):
        office.add(CHIEF, folder=Folder("nowhere"))


def test_lists_show_what_the_requester_may_act_on(office: Office) -> None:
    """A group sees its own tasks, main and the operator all; asking for another group's is refused."""
    own, theirs = office.add(), office.add(STRANGER, folder=GUESTS)
    desk = office.desk
    for listing in (desk.list_tasks, desk.list_open):
        assert listing(MEMBER, None, 10) == [own]
        assert listing(MEMBER, COOKS, 10) == [own]
        for everybody in (CHIEF, OPERATOR):
            assert listing(everybody, None, 10) == [own, theirs]
            assert listing(everybody, GUESTS, 10) == [theirs]
        with pytest.raises(PolicyRefused):
            listing(MEMBER, GUESTS, 10)
    assert desk.list_tasks(OPERATOR, None, 1, own.task_id) == [theirs]


def test_task_is_found_by_its_number(office: Office) -> None:
    """Within its group; another group's number is refused whether it exists or not."""
    task = office.add()
    assert office.desk.get_by_number(CHIEF, COOKS, 1) == task
    with pytest.raises(NotFound, match="no task 2"):
        office.desk.get_by_number(MEMBER, COOKS, 2)
    for number in (1, 2):
        with pytest.raises(PolicyRefused):
            office.desk.get_by_number(STRANGER, COOKS, number)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"prompt": ""}, "prompt"),
        ({"schedule_type": "cron", "schedule_value": "0 9 * *"}, "schedule_value"),
        ({"schedule_value": "0"}, "schedule_value"),
        ({"schedule_value": str(2**63 - 1)}, "schedule_value"),
        ({"schedule_type": "once", "schedule_value": "2025-01-01T10:00"}, "schedule_value"),
        ({"zone": "Mars/Base"}, "timezone"),
    ],
)
def test_what_makes_no_task_stores_nothing(office: Office, fields: dict[str, Any], field: str) -> None:
    """B-72, B-73, B-75: refused when saved, so that no row waits to fail at its fire time."""
    with pytest.raises(InvalidInput) as refused:
        office.add(**fields)
    assert refused.value.field == field
    task = office.add()
    with pytest.raises(InvalidInput):
        office.desk.change(MEMBER, task.task_id, TaskEdit(**fields))
    assert office.desk.list_tasks(OPERATOR, None, 10) == [task]
    assert office.changes == 1


def test_task_has_the_default_zone_unless_it_names_one(office: Office) -> None:
    """The zone is stored with the task: another default later moves nothing."""
    assert office.add().zone == "UTC"
    assert office.add(zone="Asia/Kolkata").zone == "Asia/Kolkata"


def test_asking_again_with_the_same_id_makes_one_task(office: Office) -> None:
    """Also late, when a `once` is past meanwhile, and when the task was paused; other words are refused."""
    once = draft(schedule_type="once", schedule_value="2026-01-01T09:30", task_id=TaskId("mine"))
    made = office.desk.create(MEMBER, once)
    paused = office.desk.pause(MEMBER, made.task_id)
    office.pass_time(timedelta(hours=1))
    assert office.desk.create(MEMBER, once) == paused
    with pytest.raises(StoreConflict, match="mine"):
        office.add(task_id=TaskId("mine"))
    with pytest.raises(StoreConflict, match="mine"):
        office.add(STRANGER, folder=GUESTS, task_id=TaskId("mine"))
    assert len(office.desk.list_tasks(OPERATOR, None, 10)) == 1


def test_group_has_so_many_active_tasks_and_no_more(store: Store) -> None:
    """Neither by making, nor by resuming, nor by a new time; paused and completed ones do not count."""
    office = Office(store, max_active=1)
    task = office.add()
    with pytest.raises(StoreConflict, match="group cooks has 1 active tasks"):
        office.add()
    office.desk.pause(MEMBER, task.task_id)
    other = office.add()
    with pytest.raises(StoreConflict):
        office.desk.resume(MEMBER, task.task_id)
    office.add(STRANGER, folder=GUESTS)
    office.desk.change(OPERATOR, other.task_id, TaskEdit(status="completed"))
    office.desk.resume(MEMBER, task.task_id)
    with pytest.raises(StoreConflict):
        office.desk.change(MEMBER, other.task_id, TaskEdit(schedule_value="3600000"))


def test_change_is_stored_and_announced(office: Office) -> None:
    """A changed schedule counts from now; saying the same again is no change and announces nothing."""
    task = office.add()
    office.pass_time(timedelta(minutes=20))
    edit = TaskEdit(schedule_value="3600000", misfire="skip")
    changed = office.desk.change(MEMBER, task.task_id, edit)
    assert changed == office.store.tasks.get(task.task_id)
    assert changed.next_run == office.clock.now() + timedelta(hours=1)
    assert office.changes == 2
    assert office.desk.change(MEMBER, task.task_id, edit) == changed
    assert office.changes == 2


def test_resumed_task_fires_from_now_on(office: Office) -> None:
    """B-82: what was missed while it rested stays missed, in the store as in the rule."""
    task = office.add()
    office.desk.pause(MEMBER, task.task_id)
    office.pass_time(timedelta(days=200, minutes=10))
    resumed = office.desk.resume(MEMBER, task.task_id)
    assert (resumed.status, resumed.next_run) == (TaskStatus.ACTIVE, office.clock.now() + timedelta(minutes=20))
    assert office.store.tasks.get(task.task_id) == resumed


def test_task_runs_now_once_for_each_key(office: Office) -> None:
    """Beside its schedule, also when it rests; a second wish has to wait for the first."""
    task = office.add()
    office.desk.pause(MEMBER, task.task_id)
    fire = office.desk.run_now(MEMBER, task.task_id, "a")
    assert (fire.state, fire.is_manual) == (FireState.QUEUED, True)
    assert office.desk.run_now(MEMBER, task.task_id, "a") == fire
    with pytest.raises(StoreConflict):
        office.desk.run_now(MEMBER, task.task_id, "b")
    assert office.desk.list_fires(MEMBER, task.task_id, 10) == [fire]


def test_cancelled_task_is_gone(office: Office) -> None:
    """What it was is returned once; a second time there is nothing."""
    task = office.add()
    assert office.desk.cancel(MEMBER, task.task_id) == task
    with pytest.raises(NotFound):
        office.desk.cancel(MEMBER, task.task_id)


def test_preview_shows_ten_fires_and_saves_nothing(office: Office) -> None:
    """With a warning where the clock changes, in the zone asked for; refused as saving would be."""
    preview = office.desk.preview("cron", "30 2 28 3 *", "Europe/Vienna")
    assert len(preview.fires) == 10
    assert preview.words == "cron 30 2 28 3 *"
    warnings = {fire.local.year: fire.warning for fire in preview.fires if fire.warning}
    assert "02:30 does not exist on 2027-03-28" in warnings[2027]
    with pytest.raises(InvalidInput, match="it is 2026-01-01 09:00 in UTC"):
        office.desk.preview("once", "2026-01-01T08:00")
    assert office.desk.list_tasks(OPERATOR, None, 10) == []


def test_every_change_leaves_an_event_with_who_asked(office: Office) -> None:
    """B-33: what happened to a task can be looked up."""
    task = office.add()
    office.desk.pause(CHIEF, task.task_id)
    office.desk.cancel(OPERATOR, task.task_id)
    details = [event.detail for event in office.store.events.list_recent(task.chat_jid, 10)]
    for who in ("Uma", "Ada", "operator"):
        assert any(who in detail for detail in details), who
