"""What an agent finds about its surroundings, in the form that the containers of the existing system read (§10.4)."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from intercomd.desk.groups import GroupDesk
from intercomd.desk.snapshots import Snapshots
from intercomd.domain.chat import IncomingMessage
from intercomd.domain.ids import ChatJid, Folder
from intercomd.domain.rights import Requester
from intercomd.errors import SandboxError
from tests.desk.agent_folder import HOME, KITCHEN, NOON, AgentFolders, StillClock

SCHEDULE: dict[str, Any] = {"prompt": "p", "schedule_type": "interval", "schedule_value": "3600000"}


def snapshots(folders: AgentFolders) -> Snapshots:
    clock = StillClock()
    groups = GroupDesk(folders.store, HOME, lambda: None, clock)
    return Snapshots(folders.store, groups, folders.root / "ipc-views", clock)


def written(folders: AgentFolders, folder: Folder) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Both files as a run of `folder` would find them."""
    snapshots(folders).write(Requester(folder, folder == HOME, folder), folder)
    view = folders.root / "ipc-views" / folder
    names = ("current_tasks.json", "available_groups.json")
    tasks, groups = (json.loads((view / name).read_text()) for name in names)
    return tasks, groups


def test_group_finds_its_own_tasks_and_no_chats(folders: AgentFolders) -> None:
    """B-36, B-37: every key that the containers parse, and nothing of others."""
    folders.call(KITCHEN, "schedule_task", **SCHEDULE)
    folders.call(HOME, "schedule_task", **SCHEDULE)
    tasks, groups = written(folders, KITCHEN)
    (task,) = tasks
    assert task.pop("id")
    assert task == {
        "groupFolder": "kitchen",
        "prompt": "p",
        "schedule_type": "interval",
        "schedule_value": "3600000",
        "status": "active",
        "next_run": "2026-01-31T13:00:00.000Z",
    }
    assert groups == {"groups": [], "lastSync": "2026-01-31T12:00:00.000Z"}


def test_main_group_finds_all_tasks_and_the_chats_of_groups(folders: AgentFolders) -> None:
    """B-36: the newest chat first; a row of the host's own is none, and nor is a talk between two."""
    folders.call(KITCHEN, "schedule_task", **SCHEDULE)
    for number, (jid, is_group) in enumerate((("tg:-5", True), ("tg:7", False), ("__group_sync__", True))):
        said = IncomingMessage(ChatJid(jid), f"m{number}", "u", "Uma", "hi", NOON, chat_name="Club", is_group=is_group)
        folders.store.chats.ingest(said, NOON)
    tasks, groups = written(folders, HOME)
    assert [task["groupFolder"] for task in tasks] == ["kitchen"]
    first, *registered = groups["groups"]
    assert first == {
        "jid": "tg:-5",
        "name": "Club",
        "lastActivity": "2026-01-31T12:00:00.000Z",
        "isRegistered": False,
    }
    assert {group["jid"] for group in registered} == {"local:home", "local:kitchen", "local:attic"}
    assert all(group["isRegistered"] for group in registered)


def test_place_that_cannot_be_written_fails_the_start(folders: AgentFolders) -> None:
    """A run does not begin with what an earlier one was shown."""
    (folders.root / "ipc-views" / KITCHEN / "current_tasks.json").mkdir(parents=True)
    with pytest.raises(SandboxError, match=r"kitchen: current_tasks\.json cannot be written"):
        written(folders, KITCHEN)


def test_nothing_half_written_is_left(folders: AgentFolders) -> None:
    """Two files, however often they are written."""
    written(folders, KITCHEN)
    written(folders, KITCHEN)
    view = folders.root / "ipc-views" / KITCHEN
    assert sorted(os.listdir(view)) == ["available_groups.json", "current_tasks.json"]


def test_group_that_was_renamed_is_called_so_at_once(folders: AgentFolders, tmp_path: Path) -> None:
    """Each run reads the store anew."""
    group = folders.store.groups.get(KITCHEN).group
    folders.store.chats.ingest(
        IncomingMessage(group.jid, "m1", "u", "Uma", "hi", NOON, chat_name="New kitchen"), NOON
    )
    folders.store.groups.add(replace(group, name="New kitchen"), NOON)
    names = {entry["jid"]: entry["name"] for entry in written(folders, HOME)[1]["groups"]}
    assert names["local:kitchen"] == "New kitchen"
