"""Files that are found again: after a crash at any step, after an outage, under an old name, by another process."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from intercomd.domain.agent_files import FileKind
from intercomd.domain.ids import Folder, TaskId
from intercomd.domain.leases import IPC, Holder
from intercomd.errors import FenceLost, StoreUnavailable
from tests.desk.agent_folder import HOME, KITCHEN, NOON, AgentFolders

SCHEDULE = {"prompt": "p", "schedule_type": "cron", "schedule_value": "0 9 * * *"}


class Killed(BaseException):
    """The process is gone at this point."""


STEPS = (
    ("store.agent_files", "claim"),
    ("store.outbox", "enqueue"),
    ("store.tasks", "add"),
    ("store.tasks", "remove"),
    ("store.tasks", "change"),
    ("store.groups", "add"),
    ("store.questions", "ask"),
    ("store.agent_files", "settle"),
    ("tree", "answer"),
    ("tree", "remove"),
)
"""Everything that a file's way leaves behind, in order; a tool takes some of the middle ones."""


def make_stumble(
    folders: AgentFolders, patch: pytest.MonkeyPatch, step: tuple[str, str], error: BaseException, *, is_before: bool
) -> list[str]:
    """The first time `step` is taken, `error` is raised just before or after it; the list says whether that was."""
    owner: Any = folders
    for name in step[0].split("."):
        owner = getattr(owner, name)
    real: Callable[..., Any] = getattr(owner, step[1])
    struck: list[str] = []

    def stumble(*args: Any, **options: Any) -> Any:
        if struck:
            return real(*args, **options)
        if is_before:
            struck.append("before")
            raise error
        real(*args, **options)
        struck.append("after")
        raise error

    patch.setattr(owner, step[1], stumble)
    return struck


def everything(folders: AgentFolders, task_id: TaskId) -> None:
    """One file of each kind of effect; the task exists already."""
    folders.message(KITCHEN, "local:kitchen", "by file")
    folders.put(KITCHEN, FileKind.TASKS, {"type": "schedule_task", **SCHEDULE, "targetJid": "local:kitchen"})
    folders.query(KITCHEN, "send_message", {"text": "by query"}, 1)
    folders.query(KITCHEN, "schedule_task", SCHEDULE, 2)
    folders.query(KITCHEN, "cancel_task", {"task_id": task_id}, 3)
    folders.query(KITCHEN, "ask_user", {"question": "Which?", "choices": ["a", "b"]}, 4)
    group = {"jid": "local:garden", "name": "Garden", "folder": "garden", "trigger": "@Ada"}
    folders.query(HOME, "register_group", group, 5)
    folders.query(HOME, "update_task", {"task_id": "t-other", "prompt": "new"}, 6)


def prepare(folders: AgentFolders) -> TaskId:
    """Two tasks, one to cancel and one to change."""
    folders.call(KITCHEN, "schedule_task", 8, **SCHEDULE)
    (task,) = folders.store.tasks.list_tasks(KITCHEN, 10)
    folders.store.tasks.add(replace(task, task_id=TaskId("t-other")), "test", NOON)
    folders.hints.clear()
    return task.task_id


def handle_all(folders: AgentFolders) -> None:
    for folder in (KITCHEN, HOME):
        folders.handle(folder)


@pytest.mark.parametrize("is_before", [True, False], ids=["before", "after"])
@pytest.mark.parametrize("step", STEPS, ids=".".join)
def test_crash_at_any_step_loses_and_doubles_nothing(
    folders: AgentFolders, monkeypatch: pytest.MonkeyPatch, step: tuple[str, str], *, is_before: bool
) -> None:
    """Killed there, a new process finishes what was begun: each effect once, each query answered (B-84, B-85)."""
    everything(folders, prepare(folders))
    with monkeypatch.context() as patch:
        struck = make_stumble(folders, patch, step, Killed(), is_before=is_before)
        with pytest.raises(Killed):
            handle_all(folders)
        assert struck
    folders.desk = folders.make_desk(folders.store)
    handle_all(folders)
    assert folders.waiting(KITCHEN) == folders.waiting(HOME) == []
    assert sorted(folders.texts("local:kitchen")) == [
        "Which?\n\n1. a\n2. b\n\nAnswer with the number.",
        "by file",
        "by query",
    ]
    tasks = folders.store.tasks.list_tasks(None, 10)
    assert sorted(task.prompt for task in tasks) == ["new", "p", "p"]
    assert folders.store.groups.get(Folder("garden")).group.name == "Garden"
    answers = [folders.answer(KITCHEN, number) for number in (1, 2, 3, 4)]
    answers += [folders.answer(HOME, number) for number in (5, 6)]
    assert [answer["status"] for answer in answers] == ["ok"] * 6
    assert folders.refusals(KITCHEN) == folders.refusals(HOME) == []


@pytest.mark.parametrize("step", STEPS, ids=".".join)
def test_store_that_is_away_leaves_the_files_where_they_are(
    folders: AgentFolders, monkeypatch: pytest.MonkeyPatch, step: tuple[str, str]
) -> None:
    """Nothing is refused, quarantined or answered for an outage; afterwards everything is done once (B-85)."""
    if step[0] == "tree":
        step = ("store.groups", "get")
    everything(folders, prepare(folders))
    with monkeypatch.context() as patch:
        make_stumble(folders, patch, step, StoreUnavailable("away"), is_before=True)
        with pytest.raises(StoreUnavailable):
            handle_all(folders)
        assert folders.waiting(KITCHEN) or folders.waiting(HOME)
    handle_all(folders)
    assert folders.waiting(KITCHEN) == folders.refusals(KITCHEN) == []
    assert len(folders.texts("local:kitchen")) == 3
    assert len(folders.store.tasks.list_tasks(None, 10)) == 3


def test_query_asked_again_has_its_first_answer(folders: AgentFolders) -> None:
    """Also when the world has changed since: the uuid stands for that one call."""
    first = folders.call(KITCHEN, "send_message", text="once")
    assert folders.call(KITCHEN, "send_message", text="once") == first
    assert folders.texts("local:kitchen") == ["once"]
    task_id = prepare(folders)
    cancelled = folders.call(KITCHEN, "cancel_task", 2, task_id=task_id)
    assert folders.call(KITCHEN, "cancel_task", 2, task_id=task_id) == cancelled
    assert folders.call(KITCHEN, "cancel_task", 3, task_id=task_id)["status"] == "error"


def test_uuid_of_another_call_is_refused(folders: AgentFolders) -> None:
    """Nothing is done, and the first call's answer is not given for the second."""
    folders.call(KITCHEN, "send_message", text="one")
    answer = folders.call(KITCHEN, "send_message", text="two")
    assert (answer["status"], "use a new one" in answer["result"]) == ("error", True)
    assert folders.texts("local:kitchen") == ["one"]
    assert folders.call(KITCHEN, "send_message", text="one")["status"] == "ok"


def test_same_uuid_in_two_groups_is_two_calls(folders: AgentFolders) -> None:
    """A group cannot learn, or spoil, what another one asked."""
    assert folders.call(KITCHEN, "send_message", text="mine")["status"] == "ok"
    assert folders.call(HOME, "send_message", text="mine")["status"] == "ok"
    assert folders.texts("local:kitchen") == folders.texts("local:home") == ["mine"]


def test_old_name_with_other_content_is_a_new_text(folders: AgentFolders) -> None:
    """Names of messages need not be unique for ever."""
    for text in ("one", "two"):
        folders.message(KITCHEN, "local:kitchen", text)
        folders.handle(KITCHEN)
    assert folders.texts("local:kitchen") == ["one", "two"]


def test_same_text_in_a_new_file_of_the_same_name_is_sent_again(folders: AgentFolders) -> None:
    """It was said twice; only the very same file, found again, is the same."""
    path = folders.message(KITCHEN, "local:kitchen", "tick")
    os.utime(path, ns=(1, 1))
    folders.handle(KITCHEN)
    path = folders.message(KITCHEN, "local:kitchen", "tick")
    os.utime(path, ns=(2, 2))
    folders.handle(KITCHEN)
    assert folders.texts("local:kitchen") == ["tick", "tick"]


def test_process_without_the_lease_does_nothing(folders: AgentFolders) -> None:
    """The claim is fenced, so whoever was replaced without knowing leaves the files to its successor (B-84)."""
    folders.message(KITCHEN, "local:kitchen")
    leases = folders.store.leases
    leases.take(IPC, leases.find(IPC), Holder("another boot", 2, 2))
    with pytest.raises(FenceLost):
        folders.handle(KITCHEN)
    assert folders.texts("local:kitchen") == []
    assert folders.waiting(KITCHEN) == ["messages/1-x.json"]


def test_answer_that_has_nowhere_to_go_stops_nothing(folders: AgentFolders) -> None:
    """The agent made its folder for answers unusable: the call is done, the query goes, others are served."""
    responses = folders.root / "ipc" / KITCHEN / "responses"
    responses.rmdir()
    folders.query(KITCHEN, "send_message", {"text": "hi"})
    folders.handle(KITCHEN)
    assert (folders.texts("local:kitchen"), folders.waiting(KITCHEN)) == (["hi"], [])


def test_file_that_cannot_be_removed_is_dealt_with_once(
    folders: AgentFolders, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not looked at again and again, and once it can be removed it is."""
    folders.message(KITCHEN, "local:kitchen", "sticky")
    folders.put(KITCHEN, FileKind.MESSAGES, "{broken", "2-x.json")
    with monkeypatch.context() as patch:
        patch.setattr(folders.tree, "remove", lambda *_: False)
        folders.handle(KITCHEN)
        assert not folders.desk.has_files(KITCHEN)
        folders.handle(KITCHEN)
    assert len(folders.refusals(KITCHEN)) == 1
    folders.desk.tidy(KITCHEN)
    assert folders.desk.has_files(KITCHEN)
    folders.handle(KITCHEN)
    assert (folders.texts("local:kitchen"), folders.waiting(KITCHEN)) == (["sticky"], [])


def test_full_disk_keeps_what_cannot_be_quarantined(folders: AgentFolders, monkeypatch: pytest.MonkeyPatch) -> None:
    """A refused text is not removed before it is kept elsewhere (B-83)."""
    folders.message(KITCHEN, "local:attic", "for others")
    (folders.root / "ipc-errors").write_text("in the way")
    folders.handle(KITCHEN)
    assert (folders.waiting(KITCHEN), folders.desk.has_files(KITCHEN)) == (["messages/1-x.json"], False)
    folders.message(KITCHEN, "local:kitchen", "mine", "2-x.json")
    assert folders.desk.has_files(KITCHEN)
    folders.handle(KITCHEN)
    assert folders.texts("local:kitchen") == ["mine"]
    (folders.root / "ipc-errors").unlink()
    folders.desk.tidy(KITCHEN)
    folders.handle(KITCHEN)
    assert (len(folders.refusals(KITCHEN)), folders.waiting(KITCHEN)) == (1, [])
