"""What a file of an agent says, as a call of a tool (original.md §11.1 to §11.3).

The files of the existing system in messages/ and tasks/ become calls of the same tools that queries name, so there is
one set of rights and effects.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import msgspec
from msgspec import Struct

from intercomd.domain.agent_files import FileClaim, FileKind, ToolCall
from intercomd.domain.ids import Folder
from intercomd.ipc.reading import FoundFile, UnfitFile

_UUID = re.compile(r"[0-9A-Za-z][0-9A-Za-z-]{7,63}", re.ASCII)
"""Names an answer's file, so nothing of a path is in it (hazard B-45)."""
_DIGEST_CHARACTERS = 32


@dataclass(frozen=True, slots=True)
class Request:
    """A call and how it is told from others. Only a query has a `uuid`, and wants an answer."""

    call: ToolCall
    uuid: str | None
    claim: FileClaim


def parse_request(folder: Folder, kind: FileKind, found: FoundFile) -> Request:
    """What the file asks for; raises `UnfitFile`.

    A query's key is its uuid, so that asking again changes nothing. Other files are known by name, time and content:
    a new file under an old name is another request, the same file after a crash is not.
    """
    try:
        content = json.loads(found.content)
        call, uuid = _parse(kind, content)
        asked = json.dumps([call.name, call.params], sort_keys=True)
    except (ValueError, RecursionError, msgspec.ValidationError) as error:
        raise UnfitFile(f"it is not what is read from {kind}/: {error}", found.content) from error
    digest = _digest(asked)
    names = (uuid,) if uuid is not None else (found.name, str(found.identity.modified_ns), digest)
    return Request(call, uuid, FileClaim(f"ipc-{_digest(folder, kind, *names)}", folder, call.name, digest))


def parse_task(content: object) -> ToolCall:
    """What an object of tasks/ asks for; raises `msgspec.ValidationError`."""
    return _task_call(msgspec.convert(content, _Task))


def _parse(kind: FileKind, content: object) -> tuple[ToolCall, str | None]:
    match kind:
        case FileKind.MESSAGES:
            return _message_call(msgspec.convert(content, _Message)), None
        case FileKind.TASKS:
            return parse_task(content), None
        case FileKind.QUERIES:
            query = msgspec.convert(content, _Query)
            if not _UUID.fullmatch(query.uuid):
                raise ValueError("its uuid is not made of 8 to 64 letters, digits and '-'")
            return ToolCall(query.type, query.params or {}), query.uuid


def _digest(*texts: str) -> str:
    whole = "\0".join(texts).encode(errors="backslashreplace")
    return hashlib.sha256(whole).hexdigest()[:_DIGEST_CHARACTERS]


class _Query(Struct):
    uuid: str
    type: str
    params: dict[str, object] | None = None


class _Message(Struct):
    type: Literal["message"]
    chat_jid: str = msgspec.field(name="chatJid")
    text: str
    sender: str | None = None


class _ScheduleTask(Struct, tag_field="type", tag="schedule_task"):
    prompt: str
    schedule_type: str
    schedule_value: str
    target_jid: str = msgspec.field(name="targetJid")
    context_mode: str | None = None


class _TaskReference(Struct, tag_field="type"):
    task_id: str = msgspec.field(name="taskId")


class _PauseTask(_TaskReference, tag="pause_task"):
    pass


class _ResumeTask(_TaskReference, tag="resume_task"):
    pass


class _CancelTask(_TaskReference, tag="cancel_task"):
    pass


class _RefreshGroups(Struct, tag_field="type", tag="refresh_groups"):
    pass


class _RegisterGroup(Struct, tag_field="type", tag="register_group"):
    jid: str
    name: str
    folder: str
    trigger: str
    requires_trigger: bool | None = msgspec.field(name="requiresTrigger", default=None)
    container_config: dict[str, object] | None = msgspec.field(name="containerConfig", default=None)


_Task = _ScheduleTask | _PauseTask | _ResumeTask | _CancelTask | _RefreshGroups | _RegisterGroup


def _message_call(message: _Message) -> ToolCall:
    given = {"target_jid": message.chat_jid, "text": message.text, "sender": message.sender}
    return ToolCall("send_message", _without_none(given))


def _task_call(task: _Task) -> ToolCall:
    """The tool of the same name. What is neither group nor isolated is isolated, as in the existing system."""
    params = _without_none(msgspec.structs.asdict(task))
    if isinstance(task, _ScheduleTask):
        params["target_group_jid"] = params.pop("target_jid")
        params["context_mode"] = "group" if task.context_mode == "group" else "isolated"
    return ToolCall(str(task.__struct_config__.tag), params)


def _without_none(values: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in values.items() if value is not None}
