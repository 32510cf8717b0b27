"""`/tasks`, `/pause`, `/resume` and `/cancel` in chats: the whole path from the text to the reply, in the simulator."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from intercomd.channels.local import local_jid
from intercomd.domain.commands import CommandResult
from intercomd.domain.ids import Folder, TaskId
from intercomd.domain.mailbox import CommandReply, CommandStored
from intercomd.domain.scheduled import TaskChange, TaskStatus
from intercomd.domain.text import utf16_units
from tests.actors.world import Sabotage, World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Groups cooks and main; it is nine in the morning on the first of January 2026, in UTC."""
    made = World(1, tmp_path)
    for folder in ("cooks", "main"):
        made.add_group(folder)
    yield made
    made.close()


def ask(world: World, chat: str, text: str) -> str:
    """What the chat is told."""
    before = len(world.replies(chat))
    world.say(chat, text)
    world.settle()
    (reply,) = world.replies(chat)[before:]
    return reply


def ask_over_http(world: World, request: CommandReply) -> str:
    result = world.book.address("commands").ask(request, timedelta(seconds=5))
    assert isinstance(result, CommandResult)
    return result.text


def add_daily(world: World, folder: str = "cooks", prompt: str = "wake us") -> TaskId:
    return world.add_task(folder, prompt, "cron", "30 9 * * *")


def test_tasks_are_listed_with_number_schedule_zone_and_next_fire(world: World) -> None:
    """What is needed to manage them, and a prompt's Markdown does no harm (B-97); completed ones are not shown."""
    add_daily(world, prompt="wake_us\nall")
    rests = world.add_task("cooks", "drink", "interval", "9000000")
    world.store.tasks.change(rests, TaskChange(status=TaskStatus.PAUSED), "test", world.now)
    over = add_daily(world)
    world.store.tasks.change(over, TaskChange(status=TaskStatus.COMPLETED), "test", world.now)
    assert ask(world, "cooks", "/tasks").splitlines() == [
        "*Scheduled tasks*",
        "",
        "`1` daily at 09:30 (`UTC`), next Thu 2026-01-01 09:30",
        r"    wake\_us all",
        "`2` every 2 h 30 min (`UTC`), paused",
        "    drink",
        "",
        "`/pause #`, `/resume #` or `/cancel #` with the number",
    ]


def test_list_shows_a_time_that_its_zone_does_not_have(world: World) -> None:
    """A row of the system before may say anything; that is shown in UTC, and hides no other task."""
    task_id = add_daily(world)
    end = datetime(9999, 12, 31, 23, 59, tzinfo=UTC)
    world.store.tasks.change(task_id, TaskChange(zone="Asia/Tokyo", next_run=end), "test", world.now)
    assert "daily at 09:30 (`Asia/Tokyo`), next Fri 9999-12-31 23:59 UTC" in ask(world, "cooks", "/tasks")


def test_list_is_cut_and_says_so(world: World) -> None:
    """Any number of tasks fits one text of any channel."""
    for number in range(21):
        add_daily(world, prompt=f"task {number}")
    shown = ask(world, "cooks", "/tasks")
    assert "There are more" in shown
    assert "`20` " in shown
    assert "`21` " not in shown
    for _ in range(20):
        world.add_task("x" * 64, "😀_" * 100, "cron", "1,2,3,4,5,6,7,8 1 * * *", zone="America/Argentina/Buenos_Aires")
    assert "There are more" in (shown := ask(world, "x" * 64, "/tasks"))
    assert utf16_units(shown) < 4096
    assert utf16_units(ask(world, "main", "/tasks")) < 4096


def test_task_is_paused_resumed_and_cancelled_by_its_number(world: World) -> None:
    """The replies say what is the case now, and doing it twice says the same."""
    task_id = add_daily(world)
    for _ in range(2):
        assert ask(world, "cooks", "/pause 1") == "Task `1` is paused. `/resume 1` lets it go on."
        assert world.task(task_id).status == TaskStatus.PAUSED
    for _ in range(2):
        resumed = "Task `1` is active: daily at 09:30 (`UTC`), next Thu 2026-01-01 09:30."
        assert ask(world, "cooks", "/resume #1") == resumed
        assert world.task(task_id).status == TaskStatus.ACTIVE
    assert ask(world, "cooks", "/cancel 1") == "Task `1` is cancelled and removed: wake us"
    assert ask(world, "cooks", "/cancel 1") == "Group cooks has no task 1."
    assert ask(world, "cooks", "/tasks") == "No tasks are scheduled in this chat."


def test_number_is_never_given_twice(world: World) -> None:
    """What somebody remembers never means another task."""
    add_daily(world)
    ask(world, "cooks", "/cancel 1")
    add_daily(world)
    assert "`2` daily" in ask(world, "cooks", "/tasks")


def test_paused_task_does_not_fire_and_a_resumed_one_does_not_catch_up(world: World) -> None:
    """B-82: the fires that were missed on purpose stay missed."""
    task_id = add_daily(world)
    ask(world, "cooks", "/pause 1")
    world.pass_time(3600, tick=60)
    assert "next Fri 2026-01-02 09:30" in ask(world, "cooks", "/resume 1")
    world.pass_time(60)
    assert world.fires(task_id) == []


@pytest.mark.parametrize("text", ["/pause", "/pause all", "/pause -1", "/pause 1 2", "/pause ../x/1", "/pause a/b/1"])
def test_what_names_no_task_is_answered_with_the_usage(world: World, text: str) -> None:
    """Nothing is guessed."""
    task_id = add_daily(world)
    assert ask(world, "cooks", text) == "Which task? `/pause 3`, with a number that /tasks shows."
    assert world.task(task_id).status == TaskStatus.ACTIVE


def test_other_groups_task_is_refused_without_a_word_about_it(world: World) -> None:
    """Whether it is there or not, the answer is the same."""
    task_id = add_daily(world, "main")
    for number in (1, 7):
        said = ask(world, "cooks", f"/cancel main/{number}")
        assert said == f"Task {number} of main is another group's; only the main group may act on it."
    assert "main" not in ask(world, "cooks", "/tasks")
    assert world.task(task_id)


def test_main_group_manages_everybodys_tasks(world: World) -> None:
    """Another group's task is called by folder and number, its own by the number alone."""
    theirs, own = add_daily(world), add_daily(world, "main", "report")
    listed = ask(world, "main", "/tasks")
    assert "`cooks/1` daily" in listed
    assert "`1` daily" in listed
    assert ask(world, "main", "/pause cooks/1").startswith("Task `cooks/1` is paused.")
    assert ask(world, "main", "/cancel main/1") == "Task `1` is cancelled and removed: report"
    assert world.task(theirs).status == TaskStatus.PAUSED
    assert world.store.tasks.find_by_number(world.task(theirs).group_folder, 1) is not None
    assert own not in {task.task_id for task in world.store.tasks.list_tasks(None, 10)}


def test_once_that_is_past_cannot_be_resumed(world: World) -> None:
    """The reply says why, and what would help."""
    task_id = world.add_task("cooks", "call", "once", "2026-01-01T09:30")
    ask(world, "cooks", "/pause 1")
    world.pass_time(3600, tick=60)
    assert "that is past: change its schedule" in ask(world, "cooks", "/resume 1")
    assert world.task(task_id).status == TaskStatus.PAUSED


@pytest.mark.parametrize("is_before", [True, False])
def test_command_is_carried_out_and_answered_once_across_a_crash(tmp_path: Path, *, is_before: bool) -> None:
    """The effect and the reply are one transaction: whatever comes of the hint, there is one of each."""
    world = World(2, tmp_path, sabotage=Sabotage("commands", CommandStored.__name__, is_before))
    task_id = add_daily(world)
    world.say("cooks", "/cancel 1")
    world.settle()
    world.restart()
    world.settle()
    assert world.replies("cooks") == ["Task `1` is cancelled and removed: wake us"]
    assert world.store.tasks.list_tasks(None, 10) == []
    assert world.codes("cooks").count("task.removed") == 1
    assert world.fires(task_id) == []
    world.close()


def test_unregistered_chat_has_no_tasks(world: World) -> None:
    """It learns nothing of others."""
    assert ask_over_http(world, CommandReply(local_jid("stranger"), "tasks")) == "This chat is not registered."


def test_commands_over_http_follow_the_same_rules(world: World) -> None:
    """The store says whose chat it is, whatever the caller claims (B-44)."""
    task_id = add_daily(world, "main")
    claims = CommandReply(local_jid("cooks"), "cancel", "main/1", group_folder=Folder("main"))
    assert "another group's" in ask_over_http(world, claims)
    assert "is paused" in ask_over_http(world, CommandReply(local_jid("main"), "pause", "1"))
    assert world.task(task_id).status == TaskStatus.PAUSED
