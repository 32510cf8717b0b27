"""What the files say (original.md §11): each kind, each field, and everything that is none of them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intercomd.domain.agent_files import FileKind, ToolCall
from intercomd.domain.ids import Folder
from intercomd.ipc.formats import Request, parse_request
from intercomd.ipc.reading import FoundFile, Identity, UnfitFile
from tests.ipc.conftest import KITCHEN

UUID = "6f1c2a7e-0000-4000-8000-000000000001"
LEAF = st.none() | st.integers() | st.text()
JSON = st.recursive(LEAF, lambda inner: st.dictionaries(st.text(), inner) | st.lists(inner))
MESSAGE = {"type": "message", "chatJid": "tg:1", "text": "hello"}


def parse(
    kind: FileKind, content: object, *, name: str = "1-x.json", folder: Folder = KITCHEN, modified: int = 1
) -> Request:
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    return parse_request(folder, kind, FoundFile(name, raw, Identity(7, modified)))


def call(name: str, /, **params: object) -> ToolCall:
    return ToolCall(name, params)


@pytest.mark.parametrize(
    ("kind", "content", "expected"),
    [
        (FileKind.MESSAGES, MESSAGE, call("send_message", target_jid="tg:1", text="hello")),
        (
            FileKind.MESSAGES,
            {**MESSAGE, "sender": "Cook", "groupFolder": "main", "timestamp": "2026"},
            call("send_message", target_jid="tg:1", text="hello", sender="Cook"),
        ),
        (
            FileKind.TASKS,
            {
                "type": "schedule_task",
                "prompt": "p",
                "schedule_type": "cron",
                "schedule_value": "0 9 * * *",
                "targetJid": "tg:1",
                "createdBy": "main",
            },
            call(
                "schedule_task",
                prompt="p",
                schedule_type="cron",
                schedule_value="0 9 * * *",
                target_group_jid="tg:1",
                context_mode="isolated",
            ),
        ),
        (FileKind.TASKS, {"type": "pause_task", "taskId": "t", "isMain": True}, call("pause_task", task_id="t")),
        (FileKind.TASKS, {"type": "resume_task", "taskId": "t"}, call("resume_task", task_id="t")),
        (FileKind.TASKS, {"type": "cancel_task", "taskId": "t"}, call("cancel_task", task_id="t")),
        (FileKind.TASKS, {"type": "refresh_groups"}, call("refresh_groups")),
        (
            FileKind.TASKS,
            {
                "type": "register_group",
                "jid": "tg:2",
                "name": "Two",
                "folder": "two",
                "trigger": "@Ada",
                "requiresTrigger": False,
                "containerConfig": {"timeout": 1},
            },
            call(
                "register_group",
                jid="tg:2",
                name="Two",
                folder="two",
                trigger="@Ada",
                requires_trigger=False,
                container_config={"timeout": 1},
            ),
        ),
        (FileKind.QUERIES, {"uuid": UUID, "type": "list_tasks", "params": None}, call("list_tasks")),
        (FileKind.QUERIES, {"uuid": UUID, "type": "run_status", "params": {"runId": 1}}, call("run_status", runId=1)),
    ],
    ids=lambda value: value.name if isinstance(value, ToolCall) else "",
)
def test_file_becomes_a_call(kind: FileKind, content: object, expected: ToolCall) -> None:
    """No field is lost on the way (B-87), and what a file says about who wrote it is not read."""
    assert parse(kind, content).call == expected


@pytest.mark.parametrize("mode", ["group", "isolated", "anything", None, ""])
def test_context_of_an_old_task_file_is_isolated_unless_it_says_group(mode: str | None) -> None:
    """As the existing system reads it."""
    content = {
        "type": "schedule_task",
        "prompt": "p",
        "schedule_type": "once",
        "schedule_value": "2026-02-01T15:30:00",
        "targetJid": "tg:1",
        "context_mode": mode,
    }
    expected = "group" if mode == "group" else "isolated"
    assert parse(FileKind.TASKS, content).call.params["context_mode"] == expected


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        (FileKind.MESSAGES, b""),
        (FileKind.MESSAGES, b"\xff\xfe{}"),
        (FileKind.MESSAGES, b"[" * 200_000),
        (FileKind.MESSAGES, b'{"a":' * 200_000),
        (FileKind.MESSAGES, b"1" * 10_000),
        (FileKind.MESSAGES, []),
        (FileKind.MESSAGES, {"chatJid": "tg:1", "text": "no type"}),
        (FileKind.MESSAGES, {**MESSAGE, "type": "typing"}),
        (FileKind.MESSAGES, {**MESSAGE, "text": 5}),
        (FileKind.MESSAGES, {"type": "message", "chatJid": "tg:1"}),
        (FileKind.TASKS, {"type": "drop_table"}),
        (FileKind.TASKS, {"type": "pause_task"}),
        (FileKind.TASKS, {"type": "register_group", "jid": "tg:2", "name": "Two", "folder": "two"}),
        (FileKind.QUERIES, {"uuid": UUID}),
        (FileKind.QUERIES, {"uuid": "", "type": "list_tasks"}),
        (FileKind.QUERIES, {"uuid": UUID, "type": "list_tasks", "params": [1]}),
    ],
)
def test_content_that_makes_no_sense_is_refused_whole(kind: FileKind, content: object) -> None:
    """Its bytes are handed on for quarantine (B-83), however deep or broken it is (B-125)."""
    with pytest.raises(UnfitFile) as refused:
        parse(kind, content)
    assert refused.value.content is not None


@pytest.mark.parametrize("uuid", ["../../../etc/x", "/etc/passwd", "a" * 65, "..", "abcdefg/", "abc.defgh", "é" * 9])
def test_uuid_that_could_be_a_path_is_refused(uuid: str) -> None:
    """It names the file of the answer (B-45)."""
    with pytest.raises(UnfitFile):
        parse(FileKind.QUERIES, {"uuid": uuid, "type": "list_tasks"})


@given(st.binary(max_size=60) | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_a_request_or_refused(content: bytes) -> None:
    """Nothing else comes out, whatever goes in."""
    for kind in FileKind:
        with pytest.raises(UnfitFile):
            parse(kind, content)


def test_same_file_has_the_same_key_and_a_new_one_another() -> None:
    """Known again after a crash; name, time and content tell two files apart, and a folder's are its own."""
    first = parse(FileKind.MESSAGES, MESSAGE).claim
    assert parse(FileKind.MESSAGES, MESSAGE).claim == first
    others = [
        parse(FileKind.MESSAGES, {**MESSAGE, "text": "other"}),
        parse(FileKind.MESSAGES, MESSAGE, modified=2),
        parse(FileKind.MESSAGES, MESSAGE, name="2-x.json"),
        parse(FileKind.MESSAGES, MESSAGE, folder=Folder("attic")),
    ]
    assert len({first.key, *(other.claim.key for other in others)}) == 5


def test_query_is_known_by_its_uuid_alone() -> None:
    """Asked again later it has the same key; the digest tells whether the same was asked."""
    query = {"uuid": UUID, "type": "send_message", "params": {"text": "hi"}, "timestamp": "1"}
    first = parse(FileKind.QUERIES, query).claim
    assert parse(FileKind.QUERIES, {**query, "timestamp": "2"}, modified=2, name="9.json").claim == first
    other = parse(FileKind.QUERIES, {**query, "params": {"text": "ho"}}).claim
    assert (other.key, other.digest == first.digest) == (first.key, False)
