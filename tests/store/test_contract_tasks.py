"""Scheduled tasks and what people change about them, on every engine."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import pytest

from intercomd.domain.events import EventCode
from intercomd.domain.ids import ChatJid, Folder, Seq, TaskId
from intercomd.domain.scheduled import FireState, TaskChange
from intercomd.domain.schedules.misfires import MisfirePolicy, OverlapPolicy, SkipReason
from intercomd.errors import NotFound, StoreConflict
from intercomd.store.opening import StoreSettings, open_store
from intercomd.store.task_ports import Answer
from tests.store.chores import BREAD, HOUR, MINUTE, Chores, hourly, once
from tests.store.household import COOKS, KITCHEN, NOON, reply
from tests.store.raw import open_raw

SOUP = TaskId("soup")


def command(chores: Chores, seq: Seq) -> Answer:
    """The reply to the command at `seq`."""
    return Answer(reply(f"answer-{seq}"), (KITCHEN, seq))


def test_add_keeps_every_field_and_draws_a_number(chores: Chores) -> None:
    """What was asked for is what is read; people call it by its number."""
    asked = hourly(
        zone="Europe/Vienna", misfire=MisfirePolicy.SKIP, overlap=OverlapPolicy.QUEUE_ONE, context_mode="group"
    )
    assert chores.add(asked) == replace(asked, number=1) == chores.task()
    assert chores.store.tasks.find_by_number(COOKS, 1) == chores.task()
    assert chores.store.tasks.find_by_number(COOKS, 2) is None
    assert chores.codes() == [EventCode.TASK_CREATED]


def test_add_gives_the_stored_task_when_repeated(chores: Chores) -> None:
    """The id is the key: the same task again is no second one, another is refused, whatever became of the first."""
    first = chores.add(hourly())
    chores.claim_due()
    assert chores.add(hourly()).number == first.number
    with pytest.raises(StoreConflict, match="bread"):
        chores.add(hourly(prompt="bake a cake"))
    assert (chores.task().prompt, chores.codes().count(EventCode.TASK_CREATED)) == ("bake bread", 1)


def test_add_raises_for_an_unknown_group(chores: Chores) -> None:
    """A task nobody could run is not stored, and takes no number."""
    with pytest.raises(NotFound, match="nobody"):
        chores.add(hourly(group_folder=Folder("nobody")))
    with pytest.raises(NotFound):
        chores.task()


def test_number_is_never_given_twice(chores: Chores) -> None:
    """`/cancel 1` may not reach a task that came after the first one was removed."""
    chores.add(hourly())
    chores.store.tasks.remove(BREAD, "Uma", NOON)
    assert chores.add(hourly(SOUP)).number == 2


def test_task_without_a_zone_follows_the_default(chores: Chores, store_settings: StoreSettings) -> None:
    """A row of the system before, which knew no zones, has that of the settings; never UTC in silence."""
    chores.add(hourly())
    chores.add(hourly(SOUP, zone="Asia/Tokyo"))
    with open_raw(store_settings) as run_sql:
        run_sql("UPDATE scheduled_tasks SET zone = NULL WHERE id = 'bread'")
    with closing(open_store(replace(store_settings, default_zone="Europe/Vienna"))) as store:
        assert [task.zone for task in store.tasks.list_tasks(None, 9)] == ["Europe/Vienna", "Asia/Tokyo"]
        found = store.compat.tasks.find(BREAD)
        assert found is not None
        assert found.zone == "Europe/Vienna"


def test_lists_are_pages_in_the_order_of_ids(chores: Chores) -> None:
    """A page begins behind the last id of the one before; a group sees its own."""
    garden = ChatJid("local:garden")
    chores.register(Folder("garden"), garden)
    chores.add(hourly(TaskId("c"), group_folder=Folder("garden"), chat_jid=garden))
    for name in ("a", "b", "d"):
        chores.add(hourly(TaskId(name)))
    tasks = chores.store.tasks
    assert [task.task_id for task in tasks.list_tasks(None, 2)] == ["a", "b"]
    assert [task.task_id for task in tasks.list_tasks(None, 9, TaskId("b"))] == ["c", "d"]
    assert [task.task_id for task in tasks.list_tasks(COOKS, 9, TaskId("a"))] == ["b", "d"]


def test_open_tasks_are_those_not_completed(chores: Chores) -> None:
    """Paused ones are listed and not counted as active."""
    for name, status in (("z", "active"), ("y", "paused"), ("x", "completed")):
        chores.add(hourly(TaskId(name), status=status))
    tasks = chores.store.tasks
    for folder in (COOKS, None):
        assert [task.task_id for task in tasks.list_open(folder, 9)] == ["z", "y"]
    assert [task.task_id for task in tasks.list_open(COOKS, 1)] == ["z"]
    assert (tasks.count_active(COOKS), tasks.count_active(Folder("nobody"))) == (1, 0)


def test_change_sets_what_is_given_and_nothing_else(chores: Chores) -> None:
    """None leaves a field; the same change again is no event."""
    before = chores.add(hourly())
    change = TaskChange(prompt="bake cake", context_mode="group", overlap=OverlapPolicy.QUEUE_ONE)
    for _ in range(2):
        after = chores.store.tasks.change(BREAD, change, "Uma", NOON)
    assert after == replace(before, prompt="bake cake", context_mode="group", overlap=OverlapPolicy.QUEUE_ONE)
    assert chores.codes() == [EventCode.TASK_CREATED, EventCode.TASK_CHANGED]
    (event,) = chores.store.events.list_of_task(BREAD, 1)
    assert event.detail == "by Uma: prompt, context mode, overlap"
    with pytest.raises(NotFound):
        chores.store.tasks.change(SOUP, change, "Uma", NOON)


@pytest.mark.parametrize("change", [TaskChange(schedule_value="30 * * * *"), TaskChange(zone="Asia/Kolkata")])
def test_new_schedule_counts_from_now_and_drops_what_the_old_one_queued(chores: Chores, change: TaskChange) -> None:
    """B-82: the anchor is reset, unless one is given; a fire of a time that is no longer meant does not run."""
    chores.add(hourly())
    chores.claim_due()
    now = chores.wait(MINUTE)
    assert chores.store.tasks.change(BREAD, change, "Uma", now).anchor_at == now
    assert chores.fires() == [(NOON, "skipped", SkipReason.TASK_CHANGED)]
    assert chores.find_task_run() is None
    anchored = replace(change, schedule_value="15 * * * *", anchor_at=NOON)
    assert chores.store.tasks.change(BREAD, anchored, "Uma", now).anchor_at == NOON


def test_queued_fire_runs_with_the_new_prompt(chores: Chores) -> None:
    """Who corrects a prompt in time gets the corrected run."""
    chores.add(hourly())
    chores.claim_due()
    chores.store.tasks.change(BREAD, TaskChange(prompt="bake cake"), "Uma", NOON)
    opened = chores.open_task()
    assert opened.task is not None
    assert opened.task.prompt == "bake cake"


@pytest.mark.parametrize(
    ("status", "reason"), [("paused", SkipReason.TASK_PAUSED), ("completed", SkipReason.TASK_COMPLETED)]
)
def test_queued_fire_is_skipped_when_its_task_is_put_to_rest(chores: Chores, status: str, reason: SkipReason) -> None:
    """Paused means that nothing more of it starts."""
    chores.add(hourly())
    chores.claim_due()
    chores.store.tasks.change(BREAD, TaskChange(status=status), "Uma", NOON)
    assert chores.fires() == [(NOON, "skipped", reason)]
    assert chores.store.tasks.list_ready(NOON, 9) == []


def test_paused_task_is_not_due_until_it_is_resumed(chores: Chores) -> None:
    """B-82: it goes on at the time that the resume gives, and not with what passed meanwhile."""
    chores.add(hourly())
    chores.store.tasks.change(BREAD, TaskChange(status="paused"), "Uma", NOON)
    assert chores.claim_due().handled == 0
    resume = TaskChange(status="active", next_run=NOON + 3 * HOUR)
    chores.store.tasks.change(BREAD, resume, "Uma", chores.wait(2 * HOUR + MINUTE))
    assert chores.claim_due().handled == 0
    assert chores.store.tasks.next_wake_at(chores.now) == NOON + 3 * HOUR
    assert chores.codes()[-2:] == [EventCode.TASK_PAUSED, EventCode.TASK_RESUMED]


def test_remove_skips_what_is_queued_and_keeps_the_ledger(chores: Chores) -> None:
    """The task and its log are gone; what became of its fire times can still be read."""
    chores.add(hourly())
    chores.claim_due()
    assert [chores.store.tasks.remove(BREAD, "Uma", NOON) for _ in range(2)] == [True, False]
    with pytest.raises(NotFound):
        chores.task()
    assert chores.fires() == [(NOON, "skipped", SkipReason.TASK_REMOVED)]
    assert chores.codes()[-1] is EventCode.TASK_REMOVED


def test_run_of_a_removed_task_goes_on_and_settles_its_fire(chores: Chores) -> None:
    """What already works is not cut off, and its fire does not run for ever."""
    chores.start(hourly())
    chores.store.tasks.remove(BREAD, "Uma", NOON)
    chores.answer()
    chores.end()
    assert chores.fires() == [(NOON, "ran", None)]
    assert [row.text for row in chores.claim()] == ["done"]


def test_command_and_its_reply_are_one_write(chores: Chores) -> None:
    """The change, the reply and the mark on the command come together; handled once, the command does nothing more."""
    chores.add(hourly())
    chores.add(hourly(SOUP))
    tasks = chores.store.tasks
    pause = chores.say("1", "/pause 1").seq
    for _ in range(2):
        tasks.change(BREAD, TaskChange(status="paused"), "Uma", NOON, command(chores, pause))
    tasks.change(BREAD, TaskChange(status="active"), "Uma", NOON)
    assert tasks.change(BREAD, TaskChange(status="paused"), "Uma", NOON, command(chores, pause)).status == "active"
    cancel = chores.say("2", "/cancel 2").seq
    answers = [tasks.remove(SOUP, "Uma", NOON, command(chores, cancel)) for _ in range(2)]
    assert answers == [True, False]
    assert chores.store.chats.list_unhandled_commands(9) == []
    assert [row.outbox_id for row in chores.claim()] == [f"answer-{pause}"]
    assert chores.store.outbox.count_waiting() == 2


def test_removing_nothing_answers_nothing(chores: Chores) -> None:
    """The command stays unhandled, since whoever asked has to be told something else."""
    seq = chores.say("1", "/cancel 9").seq
    assert not chores.store.tasks.remove(SOUP, "Uma", NOON, command(chores, seq))
    assert [message.seq for message in chores.store.chats.list_unhandled_commands(9)] == [seq]
    assert chores.store.outbox.count_waiting() == 0


def test_run_now_queues_a_fire_beside_the_schedule(chores: Chores) -> None:
    """The schedule stays; the key makes a repeat the same fire, also when it ran long ago."""
    chores.add(hourly(next_run=NOON + HOUR))
    fire = chores.store.tasks.run_now(BREAD, "k", "Uma", NOON)
    assert (fire.fire_at, fire.state, fire.is_manual) == (NOON, FireState.QUEUED, True)
    chores.open_task()
    chores.answer()
    chores.end()
    assert chores.store.tasks.run_now(BREAD, "k", "Uma", NOON + MINUTE).fire_at == NOON
    assert chores.task().next_run == NOON + HOUR


def test_run_now_is_refused_while_a_fire_waits_or_runs(chores: Chores) -> None:
    """One at a time: who asks twice with another key hears why."""
    chores.add(hourly())
    chores.claim_due()
    with pytest.raises(StoreConflict, match="queued"):
        chores.store.tasks.run_now(BREAD, "k", "Uma", NOON)
    chores.open_task()
    with pytest.raises(StoreConflict, match="running"):
        chores.store.tasks.run_now(BREAD, "k", "Uma", NOON)
    with pytest.raises(NotFound):
        chores.store.tasks.run_now(SOUP, "k", "Uma", NOON)


def test_run_now_finds_a_free_instant_and_a_group(chores: Chores) -> None:
    """A fire time that has its row already is not taken over; a task without its group cannot run."""
    chores.add(once(misfire=MisfirePolicy.SKIP))
    chores.wait(HOUR)
    chores.claim_due()
    assert chores.store.tasks.run_now(BREAD, "k", "Uma", NOON).fire_at == NOON + timedelta(milliseconds=1)
    chores.add(hourly(SOUP))
    chores.store.groups.remove(COOKS, NOON)
    with pytest.raises(NotFound, match="cooks"):
        chores.store.tasks.run_now(SOUP, "k", "Uma", NOON)


def test_paused_task_runs_when_somebody_asks_for_it(chores: Chores) -> None:
    """Its schedule rests; a run by hand does not."""
    chores.add(hourly(status="paused"))
    chores.store.tasks.run_now(BREAD, "k", "Uma", NOON)
    assert chores.open_task().task is not None
