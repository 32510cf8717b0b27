"""The watcher of agents' files in the simulator: when it looks, whom it makes wait, and what its crashes cost."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from intercomd.actors.ipc_watcher import LOOK_INTERVAL, SWEEP_INTERVAL
from intercomd.domain.leases import IPC, Holder
from intercomd.domain.runs import Outcome
from intercomd.errors import StoreUnavailable
from tests.actors.conftest import MakeWorld
from tests.actors.world import Sabotage, World

UUID = "6f1c2a7e-0000-4000-8000-00000000000"


class Files:
    """What agents of the world put into their folders."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def put(self, folder: str, kind: str, name: str, value: object) -> Path:
        directory = self._root / folder / kind
        for each in (directory, self._root / folder / "responses"):
            each.mkdir(parents=True, exist_ok=True)
        draft = directory / f"{name}.json.tmp"
        draft.write_text(json.dumps(value))
        return draft.rename(directory / f"{name}.json")

    def message(self, folder: str, text: str, name: str = "1-x") -> Path:
        return self.put(folder, "messages", name, {"type": "message", "chatJid": f"local:{folder}", "text": text})

    def query(self, folder: str, tool: str, number: int = 1, **params: object) -> Path:
        uuid = f"{UUID}{number}"
        return self.put(folder, "queries", uuid, {"uuid": uuid, "type": tool, "params": params})

    def answer(self, folder: str, number: int = 1) -> dict[str, Any] | None:
        path = self._root / folder / "responses" / f"{UUID}{number}.json"
        return json.loads(path.read_text()) if path.exists() else None

    def waiting(self, folder: str) -> int:
        return sum(len(list((self._root / folder / kind).glob("*.json"))) for kind in ("messages", "tasks", "queries"))


@pytest.fixture
def files(tmp_path: Path) -> Files:
    """Those of the first world that a test makes."""
    return Files(tmp_path / "0" / "ipc")


def work_in(world: World, chat: str) -> None:
    """The chat's agent has something to do for as long as anybody looks."""
    world.say(chat, "m1 hang")
    world.settle()


def sent(world: World, chat: str) -> list[str]:
    """What agents had sent there besides their replies."""
    return [text for text in world.replies(chat) if text.startswith("file")]


# -- when -------------------------------------------------------------------------------------------


def test_file_of_a_live_sandbox_is_handled_within_a_tenth_of_a_second(make_world: MakeWorld, files: Files) -> None:
    """From the first instant on: the Dispatcher tells of a new sandbox, and rights are the store's (B-86)."""
    world = make_world()
    work_in(world, "a")
    files.message("a", "file 1")
    world.sim.advance(LOOK_INTERVAL)
    world.settle()
    assert sent(world, "a") == ["file 1"]


def test_file_left_by_an_agent_that_ended_is_handled_soon(make_world: MakeWorld, files: Files) -> None:
    """A folder is looked at once more when its sandbox is gone."""
    world = make_world(idle_s=1)
    world.say("a", "m1")
    world.settle(lambda: world.answered("a") == {"m1": 1})
    world.sim.advance(timedelta(seconds=1))
    world.settle(lambda: not world.store.runs.list_live())
    files.message("a", "file 1")
    world.pass_time(2)
    assert sent(world, "a") == ["file 1"]


def test_file_without_a_sandbox_is_handled_by_the_sweep(make_world: MakeWorld, files: Files) -> None:
    """Every folder is looked at once a minute, whoever wrote there."""
    world = make_world()
    world.add_group("a")
    world.pass_time(2)
    files.message("a", "file 1")
    world.pass_time(5)
    assert sent(world, "a") == []
    world.pass_time(SWEEP_INTERVAL.total_seconds())
    assert sent(world, "a") == ["file 1"]


def test_file_that_waits_is_handled_at_the_start(make_world: MakeWorld, files: Files) -> None:
    """The first thing that a new owner does is to look everywhere (B-86)."""
    world = make_world()
    world.add_group("a")
    world.settle()
    files.message("a", "file 1")
    world.restart()
    world.pass_time(2)
    assert sent(world, "a") == ["file 1"]


def test_many_folders_are_swept_in_small_steps(make_world: MakeWorld, files: Files) -> None:
    """Every one of them is looked at, and others have their turn in between."""
    world = make_world()
    world.pass_time(2)
    for number in range(120):
        files.message(f"g{number}", "nobody's")
    before = len(world.sim.trace)
    world.pass_time(SWEEP_INTERVAL.total_seconds() + 1)
    assert not any(files.waiting(f"g{number}") for number in range(120))
    assert sum("SweepFolders()" in line for line in world.sim.trace[before:]) >= 3


# -- who waits --------------------------------------------------------------------------------------


def test_group_that_floods_makes_no_other_wait(make_world: MakeWorld, files: Files) -> None:
    """A few files a turn: with hundreds waiting in one group, another's turn comes after the first few (B-125)."""
    world = make_world()
    work_in(world, "a")
    work_in(world, "b")
    for number in range(300):
        files.message("a", f"file {number}", f"{number:03d}-x")
    files.message("b", "file b")
    before = len(world.sim.trace)
    world.pass_time(3)
    looks = [line[-3] for line in world.sim.trace[before:] if "LookAtFolder(" in line]
    assert (looks.count("a") > 50, "b" in looks[:2]) == (True, True)
    assert sent(world, "a") == [f"file {number}" for number in range(300)]
    assert sent(world, "b") == ["file b"]


def test_call_that_takes_long_makes_nobody_wait(make_world: MakeWorld, files: Files) -> None:
    """Neither other groups nor the same one's other files wait; two of a group's are under way at most (B-88)."""
    world = make_world()
    world.aside.holds = True
    work_in(world, "a")
    work_in(world, "b")
    for number in (1, 2, 3):
        files.query("a", "search_history", number)
    files.query("a", "list_groups", 4)
    files.message("a", "file a")
    files.query("b", "list_groups")
    world.pass_time(1)
    assert len(world.aside.held) == 2
    assert [files.answer("a", number) is not None for number in (1, 2, 3, 4)] == [False, False, False, True]
    assert files.answer("b") is not None
    assert sent(world, "a") == ["file a"]
    world.aside.do_all()
    world.pass_time(1)
    world.aside.do_all()
    world.pass_time(1)
    assert all(files.answer("a", number) for number in (1, 2, 3))
    assert files.waiting("a") == 0


def test_long_call_is_made_again_when_the_store_was_away(
    make_world: MakeWorld, files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its file was left, so it is found again."""
    world = make_world()
    work_in(world, "a")
    real = world.store.history.search
    failures = [StoreUnavailable("away")]

    def search(*arguments: Any) -> Any:
        if failures:
            raise failures.pop()
        return real(*arguments)

    monkeypatch.setattr(world.store.history, "search", search)
    files.query("a", "search_history")
    world.pass_time(1)
    assert (failures, (files.answer("a") or {})["status"]) == ([], "ok")


# -- whose ------------------------------------------------------------------------------------------


def test_only_the_holder_of_the_lease_acts(make_world: MakeWorld, files: Files) -> None:
    """While another process owns the files this one leaves them alone, and then takes them up (B-84)."""
    world = make_world()
    work_in(world, "a")
    taken = world.store.leases.take(IPC, world.store.leases.find(IPC), Holder("another boot", 1, 1))
    assert taken is not None
    files.message("a", "file 1")
    world.pass_time(3)
    assert (files.waiting("a"), sent(world, "a")) == (1, [])
    world.store.leases.release(IPC, taken)
    world.pass_time(12)
    assert sent(world, "a") == ["file 1"]


# -- a run's effects --------------------------------------------------------------------------------


def test_failed_run_is_not_repeated_when_its_agent_had_sent_something(make_world: MakeWorld, files: Files) -> None:
    """A text sent by file is an effect like a reply (B-114)."""
    world = make_world()
    work_in(world, "a")
    files.message("a", "file 1")
    world.sim.advance(LOOK_INTERVAL)
    world.settle()
    assert world.runs("a")[0].has_effects
    world.agents.started[0].kill()
    world.finish()
    assert (len(world.runs("a")), sent(world, "a")) == (1, ["file 1"])
    assert world.runs("a")[0].outcome is Outcome.FAILED


@pytest.mark.parametrize(
    ("tool", "runs"), [("send_message", 1), ("schedule_task", 1), ("list_tasks", 2), ("search_history", 2), ("?", 2)]
)
def test_file_that_still_waits_when_its_agent_dies_counts(
    make_world: MakeWorld, files: Files, tool: str, runs: int
) -> None:
    """What it asks for will be done, so the run is not repeated (B-114); for a mere question it is."""
    world = make_world()
    world.say("a", "m1 hang")
    world.settle(lambda: bool(world.agents.alive))
    files.query("a", tool, text="file 1")
    world.agents.started[0].kill()
    world.settle(lambda: not world.store.runs.list_live())
    world.pass_time(10)
    assert len(world.runs("a")) == runs
    assert files.waiting("a") == 0


@pytest.mark.parametrize("kind", ["messages", "tasks"])
def test_file_of_the_existing_form_that_still_waits_counts(make_world: MakeWorld, files: Files, kind: str) -> None:
    """As above, before anybody has read what it says (B-114)."""
    world = make_world()
    world.say("a", "m1 hang")
    world.settle(lambda: bool(world.agents.alive))
    files.put("a", kind, "1-x", {"type": "message", "chatJid": "local:a", "text": "file 1"})
    world.agents.started[0].kill()
    world.finish()
    assert len(world.runs("a")) == 1


# -- crashes ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_before", [True, False], ids=["before", "after"])
@pytest.mark.parametrize(
    "item", ["SandboxesLive", "LookAtFolders", "LookAtFolder", "Poll", "SweepFolders", "QueryAnswered"]
)
def test_crash_of_the_watcher_loses_and_doubles_nothing(
    make_world: MakeWorld, files: Files, item: str, *, is_before: bool
) -> None:
    """Whatever it had in hand is in its file, or in the store under the file's key (B-84, B-85)."""
    world = make_world(sabotage=Sabotage("ipc_watcher", item, is_before))
    work_in(world, "a")
    for number in (1, 2, 3):
        files.message("a", f"file {number}", f"{number}-x")
    files.query("a", "send_message", text="file 4")
    files.query("a", "search_history", 2, text="m1")
    world.pass_time(SWEEP_INTERVAL.total_seconds() + 5)
    assert world.sabotage.has_struck, f"ipc_watcher never handled {item}"
    assert sent(world, "a") == ["file 1", "file 2", "file 3", "file 4"]
    assert [(files.answer("a", number) or {})["status"] for number in (1, 2)] == ["ok", "ok"]
    assert (files.waiting("a"), world.sim.gave_up) == (0, None)


@pytest.mark.parametrize("seed", range(20))
def test_kill_at_any_instant_loses_and_doubles_nothing(make_world: MakeWorld, files: Files, seed: int) -> None:
    """Texts, tasks and answers are there once after a kill -9 somewhere on their way (B-84, B-85)."""
    world = make_world(seed)
    work_in(world, "a")
    files.message("a", "file 1")
    files.query("a", "send_message", 1, text="file 2")
    files.query("a", "schedule_task", 2, prompt="p", schedule_type="cron", schedule_value="0 0 1 1 *")
    steps = world.random.randrange(60)
    world.sim.advance(timedelta(milliseconds=50))
    for _ in range(steps):
        if not world.step():
            world.sim.advance(timedelta(milliseconds=20))
    world.restart()
    world.pass_time(30)
    assert sorted(sent(world, "a")) == ["file 1", "file 2"]
    assert len(world.store.tasks.list_tasks(None, 10)) == 1
    assert files.waiting("a") == 0
