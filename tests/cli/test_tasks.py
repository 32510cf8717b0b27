"""`intercomd tasks`."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from intercomd.cli.exit_codes import ExitCode
from intercomd.cli.main import main
from intercomd.clock import SystemClock
from intercomd.domain.chat import Group
from intercomd.domain.ids import ChatJid, Folder
from tests.api.conftest import Api

Intercomd = Callable[..., int]
Captured = pytest.CaptureFixture[str]
WEEKDAYS = ("--cron", "0 9 * * 1-5", "--zone", "UTC")


@pytest.fixture
def tasks(api: Api, intercomd: Intercomd, capsys: Captured) -> Callable[..., str]:
    """Runs `intercomd tasks …`, which must succeed, and returns what it printed. There is the group cooks."""
    api.store.groups.add(Group(ChatJid("tg:-1"), "Cooks", Folder("cooks")), SystemClock().now())

    def run(*words: str) -> str:
        capsys.readouterr()
        assert intercomd("tasks", *words) == ExitCode.OK
        return capsys.readouterr().out

    return run


def test_added_task_shows_when_it_fires_and_is_in_the_list(tasks: Callable[..., str]) -> None:
    """The next ten fire times are told at once; the table has what one needs to call the task."""
    told, headers, *fires = tasks("add", "cooks", "Plan\ndinner", *WEEKDAYS).splitlines()
    assert told.startswith("cooks/1 is active: weekdays at 09:00 (UTC); next ")
    assert headers.split() == ["IN", "UTC"]
    assert len(fires) == 10
    listed = tasks("list").splitlines()
    assert listed[0].split() == ["TASK", "STATUS", "SCHEDULE", "ZONE", "NEXT", "PROMPT", "ID"]
    assert listed[1].startswith("cooks/1  active  weekdays at 09:00  UTC ")
    assert "Plan dinner" in listed[1]


@pytest.mark.parametrize("words", [("preview",), ("add", "cooks", "x", "--dry-run")])
def test_preview_shows_warnings_and_saves_nothing(tasks: Callable[..., str], words: tuple[str, ...]) -> None:
    """Where the clock changes it says what will happen."""
    shown = tasks(*words, "--cron", "30 2 * 3 0", "--zone", "Europe/Vienna")
    assert "02:30 does not exist" in shown
    assert json.loads(tasks("list", "--json"))["tasks"] == []


def test_task_is_changed_by_group_and_number_or_by_id(tasks: Callable[..., str]) -> None:
    """Only what is given changes."""
    tasks("add", "cooks", "x", *WEEKDAYS, "--id", "mine")
    assert tasks("edit", "cooks/1", "--every", "2h30m").startswith("cooks/1 is active: every 2 h 30 min (UTC); next ")
    edited = json.loads(tasks("edit", "mine", "--prompt", "y", "--misfire", "skip", "--overlap", "queue_one", "--json"))
    changed = {key: edited[key] for key in ("prompt", "schedule_value", "misfire", "overlap", "context_mode")}
    assert changed == {
        "prompt": "y",
        "schedule_value": "9000000",
        "misfire": "skip",
        "overlap": "queue_one",
        "context_mode": "isolated",
    }


def test_task_rests_runs_and_is_cancelled(tasks: Callable[..., str]) -> None:
    """Each command says what is the case now."""
    tasks("add", "cooks", "x", *WEEKDAYS)
    assert tasks("pause", "cooks/1") == "cooks/1 is paused: weekdays at 09:00 (UTC)\n"
    assert tasks("resume", "cooks/1").startswith("cooks/1 is active: weekdays at 09:00 (UTC); next ")
    assert tasks("run", "cooks/1", "--id", "k") == "cooks/1 is queued\n"
    assert tasks("fires", "cooks/1").splitlines()[1].split()[1] == "queued"
    assert "last_result     -\n" in tasks("show", "cooks/1")
    assert tasks("cancel", "cooks/1") == "cooks/1 is cancelled\n"
    assert len(tasks("list").splitlines()) == 1


def test_same_id_again_makes_one_task(tasks: Callable[..., str]) -> None:
    """For scripts that may be cut off."""
    first, second = (tasks("add", "cooks", "x", *WEEKDAYS, "--id", "mine", "--json") for _ in range(2))
    assert json.loads(first) == json.loads(second)
    assert len(json.loads(tasks("list", "--json"))["tasks"]) == 1


def test_long_list_says_where_to_go_on(tasks: Callable[..., str]) -> None:
    """Page by page."""
    for number in range(3):
        tasks("add", "cooks", "x", *WEEKDAYS, "--id", f"t{number}")
    assert tasks("list", "--limit", "2").endswith("There may be more: --after t1\n")
    assert len(tasks("list", "--limit", "2", "--after", "t1").splitlines()) == 2


def test_refused_task_is_one_line(tasks: Callable[..., str], intercomd: Intercomd, capsys: Captured) -> None:
    """The field and what is allowed, exit code 1."""
    assert intercomd("tasks", "add", "cooks", "x", "--cron", "0 9 * *") == ExitCode.FAILURE
    assert capsys.readouterr().err.startswith("Error: schedule_value: '0 9 * *' is no cron expression: it has 4 fields")
    assert intercomd("tasks", "pause", "cooks/9") == ExitCode.FAILURE
    assert capsys.readouterr().err == "Error: group cooks has no task 9\n"


@pytest.mark.parametrize(
    "words",
    [
        ("add", "cooks", "x"),
        ("add", "cooks", "x", "--cron", "@daily", "--every", "1h"),
        ("preview", "--every", "often"),
    ],
)
def test_command_line_needs_one_schedule(words: tuple[str, ...], capsys: Captured) -> None:
    """None, two, and one that is no span are wrong before anybody is asked."""
    with pytest.raises(SystemExit) as ended:
        main(["tasks", *words])
    assert ended.value.code == ExitCode.USAGE
    assert capsys.readouterr().err


def test_commands_of_the_readme_work(api: Api, tasks: Callable[..., str]) -> None:
    """One after the other, as they stand there."""
    api.store.groups.add(Group(ChatJid("local:main"), "Main", Folder("main")), SystemClock().now())
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    commands = [shlex.split(line, comments=True)[2:] for line in re.findall(r"^    (intercomd tasks .*)", readme, re.M)]
    assert len(commands) > 5
    for words in commands:
        assert tasks(*words)


@pytest.mark.parametrize(
    "action", ["list", "show", "add", "edit", "pause", "resume", "cancel", "run", "preview", "fires"]
)
def test_help_of_every_action_has_an_example(action: str, capsys: Captured) -> None:
    """One that can be copied."""
    with pytest.raises(SystemExit):
        main(["tasks", action, "--help"])
    assert f"example: intercomd tasks {action} " in " ".join(capsys.readouterr().out.split())
