"""Every rule of the files (original.md §11), for the main group and for others: who may, what happens, what is said."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from intercomd.domain.agent_files import RESPONSES, FileKind
from intercomd.domain.ids import ChatJid, Folder
from intercomd.domain.scheduled import ContextMode
from tests.desk.agent_folder import ATTIC, HOME, KITCHEN, NOON, UUID, AgentFolders

SCHEDULE = {
    "type": "schedule_task",
    "prompt": "water the plants",
    "schedule_type": "cron",
    "schedule_value": "0 9 * * *",
}
NEW_GROUP = {"type": "register_group", "jid": "local:garden", "name": "Garden", "folder": "garden", "trigger": "@Ada"}


def tasks_of(folders: AgentFolders, folder: Folder) -> list[str]:
    return [task.status for task in folders.store.tasks.list_tasks(folder, 10)]


# -- messages ---------------------------------------------------------------------------------------


def test_group_sends_to_its_own_chat(folders: AgentFolders) -> None:
    """The text is in the outbox when the file goes, by rights that the store knows at once (B-83, B-85, B-86)."""
    folders.message(KITCHEN, "local:kitchen", "soup is ready")
    folders.handle(KITCHEN)
    assert folders.texts("local:kitchen") == ["soup is ready"]
    assert (folders.waiting(KITCHEN), folders.refusals(KITCHEN), folders.hints) == ([], [], ["texts"])


@pytest.mark.parametrize("target", ["local:attic", "local:home", "tg:999", ""])
def test_group_is_refused_other_chats(folders: AgentFolders, target: str) -> None:
    """Whether they exist or not: the text is kept with the reason, and nobody gets it (B-83)."""
    folders.message(KITCHEN, target, "for others")
    folders.handle(KITCHEN)
    assert folders.texts("local:attic") == folders.texts("local:home") == folders.texts("local:kitchen") == []
    (reason,) = folders.refusals(KITCHEN)
    assert "only the main group" in reason
    assert folders.waiting(KITCHEN) == []


def test_main_group_sends_to_any_chat_that_is_known(folders: AgentFolders) -> None:
    """By the setting, not by the name `main` (B-91)."""
    folders.message(HOME, "local:attic", "tidy up")
    folders.handle(HOME)
    assert folders.texts("local:attic") == ["tidy up"]


def test_unknown_chat_of_the_main_group_is_kept_with_its_reason(folders: AgentFolders) -> None:
    """A text to a chat that nobody has written in does not vanish (B-83)."""
    folders.message(HOME, "tg:999", "hello?")
    folders.handle(HOME)
    assert folders.refusals(HOME) == ["chat tg:999 is not known"]


def test_group_that_is_called_main_is_one_like_any_other(folders: AgentFolders) -> None:
    """The setting alone makes a main group, and a folder without a group has no rights at all (B-91)."""
    folders.message(Folder("main"), "local:kitchen")
    folders.handle(Folder("main"))
    assert folders.texts("local:kitchen") == []
    assert folders.refusals(Folder("main")) == ["no group has the folder main"]
    assert folders.call(Folder("main"), "list_groups")["status"] == "error"


@pytest.mark.parametrize("text", ["", "  \n "])
def test_text_that_says_nothing_is_refused(folders: AgentFolders, text: str) -> None:
    """A channel would refuse it, for ever."""
    folders.message(KITCHEN, "local:kitchen", text)
    folders.handle(KITCHEN)
    assert folders.refusals(KITCHEN) == ["text: it is empty; say what is to be sent"]


def test_long_text_goes_in_the_parts_of_replies(folders: AgentFolders) -> None:
    """One way out for all texts, so one way of cutting them."""
    folders.message(KITCHEN, "local:kitchen", "x" * 10_000)
    folders.handle(KITCHEN)
    assert [len(text) for text in folders.texts("local:kitchen")] == [4096, 4096, 1808]


def test_files_of_a_kind_are_handled_in_the_order_of_their_names(folders: AgentFolders) -> None:
    """So texts arrive as they were written."""
    for number in (3, 1, 2):
        folders.message(KITCHEN, "local:kitchen", f"text {number}", f"{number}-x.json")
    folders.handle(KITCHEN)
    assert folders.texts("local:kitchen") == ["text 1", "text 2", "text 3"]


def test_nonsense_is_kept_and_stops_nothing(folders: AgentFolders) -> None:
    """A broken file goes into quarantine as it was, and the next one is handled (B-83, B-92)."""
    folders.put(KITCHEN, FileKind.MESSAGES, "{broken", "1-x.json")
    folders.message(KITCHEN, "local:kitchen", "fine", "2-x.json")
    folders.handle(KITCHEN)
    assert folders.texts("local:kitchen") == ["fine"]
    (kept,) = folders.quarantine.list_kept(KITCHEN)
    assert (folders.root / "ipc-errors" / KITCHEN / kept).read_text() == "{broken"


def test_every_refusal_leaves_an_event(folders: AgentFolders) -> None:
    """B-83: what was never carried out is on record too, whether it was understood or not."""
    folders.put(KITCHEN, FileKind.MESSAGES, "{broken")
    folders.handle(KITCHEN)
    folders.call(KITCHEN, "launch_missiles")
    folders.call(KITCHEN, "search_history", limit=1_000)
    folders.message(KITCHEN, "local:attic")
    folders.handle(KITCHEN)
    folders.call(Folder("main"), "list_groups")
    events = [event for event in reversed(folders.store.events.list_recent(None, 100)) if event.code == "tool.refused"]
    assert [(event.folder, event.detail.partition(":")[0]) for event in events] == [
        (KITCHEN, "it is not what is read from messages/"),
        (KITCHEN, "Unknown query type"),
        (KITCHEN, "limit"),
        (KITCHEN, "local"),
        ("main", "no group has the folder main"),
    ]


# -- tasks ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asker", "target", "owner"), [(KITCHEN, "local:kitchen", KITCHEN), (HOME, "local:attic", ATTIC)]
)
def test_task_file_makes_a_task_of_the_target(folders: AgentFolders, asker: Folder, target: str, owner: Folder) -> None:
    """A group for itself, the main group for any; by default it keeps nothing of the conversation."""
    folders.put(asker, FileKind.TASKS, {**SCHEDULE, "targetJid": target})
    folders.handle(asker)
    (task,) = folders.store.tasks.list_tasks(None, 10)
    assert (task.group_folder, task.chat_jid, task.context_mode) == (owner, target, ContextMode.ISOLATED)
    assert folders.hints == ["tasks"]


@pytest.mark.parametrize(
    ("asker", "changes"),
    [
        (KITCHEN, {"targetJid": "local:attic"}),
        (KITCHEN, {"targetJid": "tg:999"}),
        (HOME, {"targetJid": "tg:999"}),
        (HOME, {"targetJid": "local:attic", "prompt": " "}),
        (HOME, {"targetJid": "local:attic", "schedule_value": "0 9 * *"}),
        (HOME, {"targetJid": "local:attic", "schedule_type": "interval", "schedule_value": "0"}),
        (HOME, {"targetJid": "local:attic", "schedule_type": "often"}),
        (HOME, {}),
    ],
)
def test_task_file_that_may_not_or_cannot_be_done_is_kept(
    folders: AgentFolders, asker: Folder, changes: dict[str, Any]
) -> None:
    """With its reason, and without a task (B-83, B-85)."""
    folders.put(asker, FileKind.TASKS, {**SCHEDULE, **changes})
    folders.handle(asker)
    assert folders.store.tasks.list_tasks(None, 10) == []
    assert len(folders.refusals(asker)) == 1


@pytest.mark.parametrize(("kind", "after"), [("pause_task", ["paused"]), ("cancel_task", [])])
def test_group_manages_its_own_tasks_and_the_main_group_all(
    folders: AgentFolders, kind: str, after: list[str]
) -> None:
    """Another group's file changes nothing; what it says about being main is not read."""
    folders.put(KITCHEN, FileKind.TASKS, {**SCHEDULE, "targetJid": "local:kitchen"})
    folders.handle(KITCHEN)
    (task,) = folders.store.tasks.list_tasks(KITCHEN, 10)
    order = {"type": kind, "taskId": task.task_id, "isMain": True, "groupFolder": HOME}
    folders.put(ATTIC, FileKind.TASKS, order)
    folders.handle(ATTIC)
    assert tasks_of(folders, KITCHEN) == ["active"]
    assert len(folders.refusals(ATTIC)) == 1
    folders.put(HOME, FileKind.TASKS, order)
    folders.handle(HOME)
    assert tasks_of(folders, KITCHEN) == after


def test_paused_task_is_resumed_by_a_file(folders: AgentFolders) -> None:
    """The rest of §11.2."""
    folders.put(KITCHEN, FileKind.TASKS, {**SCHEDULE, "targetJid": "local:kitchen"})
    folders.handle(KITCHEN)
    (task,) = folders.store.tasks.list_tasks(KITCHEN, 10)
    for number, kind in enumerate(("pause_task", "resume_task")):
        folders.put(KITCHEN, FileKind.TASKS, {"type": kind, "taskId": task.task_id}, f"{number}-x.json")
    folders.handle(KITCHEN)
    assert tasks_of(folders, KITCHEN) == ["active"]
    assert folders.refusals(KITCHEN) == []


def test_group_is_registered_with_everything_the_file_says(folders: AgentFolders) -> None:
    """Also whether it needs a trigger, and its mounts (B-87); it counts at once."""
    config = {"additionalMounts": [{"hostPath": "~/p"}], "timeout": 60_000}
    folders.put(HOME, FileKind.TASKS, {**NEW_GROUP, "requiresTrigger": False, "containerConfig": config})
    folders.handle(HOME)
    group = folders.store.groups.get(Folder("garden")).group
    assert (group.jid, group.name, group.trigger) == ("local:garden", "Garden", "@Ada")
    assert (group.requires_trigger, group.container_config) == (False, config)
    assert folders.hints == ["groups"]


def test_known_group_keeps_what_the_file_does_not_say(folders: AgentFolders) -> None:
    """Registering again changes name and trigger, and leaves the model (B-87)."""
    known = folders.store.groups.get(ATTIC).group
    folders.store.groups.add(replace(known, trigger="@old", runtime="codex", model="gpt-x"), NOON)
    folders.put(HOME, FileKind.TASKS, {**NEW_GROUP, "jid": known.jid, "folder": ATTIC})
    folders.handle(HOME)
    group = folders.store.groups.get(ATTIC).group
    assert (group.name, group.trigger, group.runtime, group.model) == ("Garden", "@Ada", "codex", "gpt-x")


@pytest.mark.parametrize(
    ("asker", "changes"),
    [
        (KITCHEN, {}),
        (HOME, {"folder": "../up"}),
        (HOME, {"folder": KITCHEN}),
        (HOME, {"jid": "local:home", "folder": "elsewhere"}),
        (HOME, {"jid": "nonsense"}),
        (HOME, {"name": ""}),
        (HOME, {"containerConfig": json.loads("[" * 40 + "]" * 40)}),
        (HOME, {"containerConfig": {"a": json.loads("[" * 40 + "]" * 40)}}),
    ],
)
def test_group_that_may_not_be_registered_is_not(
    folders: AgentFolders, asker: Folder, changes: dict[str, Any]
) -> None:
    """Only the main group may, with a folder that is free and valid; the main group keeps its own."""
    before = folders.store.groups.list_all()
    folders.put(asker, FileKind.TASKS, {**NEW_GROUP, **changes})
    folders.handle(asker)
    assert folders.store.groups.list_all() == before
    assert len(folders.refusals(asker)) == 1


@pytest.mark.parametrize(("asker", "is_done"), [(HOME, True), (KITCHEN, False)])
def test_list_of_chats_is_refreshed_for_the_main_group_only(
    folders: AgentFolders, asker: Folder, *, is_done: bool
) -> None:
    """Its snapshot is written anew."""
    folders.put(asker, FileKind.TASKS, {"type": "refresh_groups"})
    folders.handle(asker)
    assert (folders.root / "ipc-views" / asker / "available_groups.json").exists() == is_done
    assert bool(folders.refusals(asker)) != is_done


# -- queries ----------------------------------------------------------------------------------------


def test_query_is_answered_and_removed(folders: AgentFolders) -> None:
    """The answer stands under the query's uuid, pretty, as the containers read it."""
    answer = folders.call(KITCHEN, "list_tasks")
    assert answer == {"status": "ok", "result": "[]"}
    assert folders.waiting(KITCHEN) == []


@pytest.mark.parametrize("tool", ["drop_table", "", "send_message_" + "x" * 500])
def test_unknown_query_is_answered_as_such(folders: AgentFolders, tool: str) -> None:
    """The text is that of the existing system."""
    answer = folders.call(KITCHEN, tool)
    assert answer == {"status": "error", "result": f"Unknown query type: {tool[:100]}"}


def test_uuid_that_is_a_path_writes_nothing_anywhere(folders: AgentFolders) -> None:
    """It is kept with its reason instead of answered (B-45)."""
    precious = folders.root / "precious.json"
    precious.write_text("precious")
    for number, uuid in enumerate(("../../../precious", str(precious.with_suffix("")))):
        folders.put(KITCHEN, FileKind.QUERIES, {"uuid": uuid, "type": "list_tasks"}, f"{number}-x.json")
    folders.handle(KITCHEN)
    assert precious.read_text() == "precious"
    assert len(folders.refusals(KITCHEN)) == 2


def test_refusal_tells_the_agent_what_is_allowed(folders: AgentFolders) -> None:
    """A sentence it can act on, and nothing in quarantine: the agent has the answer."""
    answer = folders.call(KITCHEN, "send_message", text="x", target_jid="local:attic")
    assert (answer["status"], "only the main group" in answer["result"]) == ("error", True)
    assert folders.refusals(KITCHEN) == []


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({}, "text"),
        ({"text": 5}, "text"),
        ({"text": "x", "files": "menu.pdf"}, "files"),
        ({"text": "x", "files": ["/etc/passwd"]}, "files"),
        ({"text": "x", "files": ["a"] * 11}, "files"),
        ({"text": "x" * 100_001}, "text"),
    ],
)
def test_wrong_argument_is_named(folders: AgentFolders, params: dict[str, Any], field: str) -> None:
    """Whatever the schema inside let through."""
    answer = folders.call(KITCHEN, "send_message", **params)
    assert (answer["status"], answer["result"].split(":")[0]) == ("error", field)


def test_group_searches_its_own_past_only(folders: AgentFolders) -> None:
    """Whatever it asks for, another chat's texts are not found."""
    folders.say(KITCHEN, "the blue pan", "m1")
    folders.say(ATTIC, "the blue box", "m2")
    found = json.loads(folders.call(KITCHEN, "search_history", text="BLUE", before="2026-02-01T00:00:00Z")["result"])
    assert [(hit["sender"], hit["text"]) for hit in found] == [("Uma", "the blue pan")]
    mistakes: list[dict[str, Any]] = [{"before": "soon"}, {"limit": 0}, {"limit": True}, {"text": []}]
    for number, wrong in enumerate(mistakes, 2):
        assert folders.call(KITCHEN, "search_history", number, **wrong)["status"] == "error"


def test_question_is_asked_once(folders: AgentFolders) -> None:
    """With its choices, in the group's own chat."""
    folders.call(KITCHEN, "ask_user", question="Which?", choices=["Red", "Blue"])
    folders.call(KITCHEN, "ask_user", question="Which?", choices=["Red", "Blue"])
    assert folders.texts("local:kitchen") == ["Which?\n\n1. Red\n2. Blue\n\nAnswer with the number."]


def test_query_under_another_name_is_answered_under_its_uuid(folders: AgentFolders) -> None:
    """The file's name says nothing."""
    folders.put(KITCHEN, FileKind.QUERIES, {"uuid": f"{UUID}1", "type": "list_tasks"}, "other.json")
    folders.handle(KITCHEN)
    assert folders.answer(KITCHEN)["status"] == "ok"
    assert [path.name for path in (folders.root / "ipc" / KITCHEN / RESPONSES).iterdir()] == [f"{UUID}1.json"]


def test_chats_are_listed_by_right(folders: AgentFolders) -> None:
    """The main group sees all, another itself."""
    for folder, expected in ((HOME, {"local:home", "local:kitchen", "local:attic"}), (KITCHEN, {"local:kitchen"})):
        listed = json.loads(folders.call(folder, "list_groups")["result"])
        assert {ChatJid(chat["jid"]) for chat in listed} == expected
