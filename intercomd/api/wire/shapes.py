"""The JSON of `/v1/db/*`: field order is the order on the wire (original.md §5.2).

Unknown fields are ignored. A field with a default may be absent; `None` as a default means that null is the same.
"""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct

MAX_LIST = 1000

Key = Annotated[str, Meta(min_length=1, max_length=256, pattern=r"^[^\x00]+$")]
"""What a row is found by; Postgres keeps no NUL, and a replaced one could hit another row."""

Jid = Annotated[str, Meta(min_length=1, max_length=256, pattern=r"^[^\x00]+$", description="A chat's JID.")]
FolderName = Annotated[str, Meta(max_length=256, description="A group's folder.")]
Name = Annotated[str, Meta(max_length=512)]
Word = Annotated[str, Meta(max_length=256)]
Instant = Annotated[str, Meta(max_length=64, description="ISO 8601, UTC unless it has an offset; empty: before all.")]
Cursor = Annotated[str, Meta(description="`new_cursor` of an earlier answer, or empty for a first call.")]
Prefix = Annotated[str, Meta(max_length=256, description="Texts that begin with this and a colon are left out.")]


class Acknowledged(Struct, frozen=True):
    """Done."""

    ok: bool = True


class ChatBody(Struct, frozen=True):
    """A chat that was seen."""

    jid: Jid
    timestamp: Instant
    name: Name | None = None
    channel: Word | None = None
    is_group: bool | None = None


class ChatNameBody(Struct, frozen=True):
    """A chat's name."""

    jid: Jid
    name: Name


class ChatInfo(Struct, frozen=True):
    """A known chat."""

    jid: str
    name: str
    last_message_time: str
    channel: str | None
    is_group: bool


class NewMessage(Struct, frozen=True):
    """A chat message. In answers both flags are false: bot messages are never among them."""

    id: Key
    chat_jid: Jid
    sender: Name
    sender_name: Name
    content: str
    timestamp: Instant
    is_from_me: bool = False
    is_bot_message: bool = False


class NewMessagesBody(Struct, frozen=True):
    """Which texts are new: by `cursor` where it knows the chat, else by time."""

    jids: Annotated[list[Jid], Meta(max_length=MAX_LIST)]
    last_timestamp: Instant
    bot_prefix: Prefix
    cursor: Cursor | None = None


class NewMessages(Struct, frozen=True):
    """New texts, and where to go on."""

    messages: list[NewMessage]
    new_timestamp: str
    new_cursor: str


class MessagesSinceBody(Struct, frozen=True):
    """Which texts of one chat; with `cursor` the answer has `messages` and `new_cursor`."""

    chat_jid: Jid
    since_timestamp: Instant
    bot_prefix: Prefix
    cursor: Cursor | None = None


class MessagesSince(Struct, frozen=True):
    """The answer to a request with a cursor."""

    messages: list[NewMessage]
    new_cursor: str


class ConversationBody(Struct, frozen=True):
    """Which chat's newest messages."""

    chat_jid: Jid
    limit: Annotated[int, Meta(ge=0, le=MAX_LIST)] = 20


class ConversationMessage(Struct, frozen=True):
    """A message of either side."""

    sender_name: str
    content: str
    timestamp: str
    is_bot_message: bool


class ScheduledTaskShape(Struct, frozen=True):
    """A scheduled task; `last_run` and `last_result` are not read when it is made."""

    id: Key
    group_folder: FolderName
    chat_jid: Jid
    prompt: str
    schedule_type: Word
    schedule_value: Word
    created_at: Instant
    context_mode: Word = "isolated"
    next_run: Instant | None = None
    last_run: str | None = None
    last_result: str | None = None
    status: Word = "active"


class TaskView(Struct, frozen=True):
    """A scheduled task; absent values are null."""

    id: str
    group_folder: str
    chat_jid: str
    prompt: str
    schedule_type: str
    schedule_value: str
    context_mode: str
    next_run: str | None
    last_run: str | None
    last_result: str | None
    status: str
    created_at: str


class TaskIdBody(Struct, frozen=True):
    """Which task."""

    id: Key


class FolderBody(Struct, frozen=True):
    """Which group."""

    group_folder: FolderName


class TaskUpdateBody(Struct, frozen=True):
    """New values of a task; what is absent or null stays."""

    id: Key
    prompt: str | None = None
    schedule_type: Word | None = None
    schedule_value: Word | None = None
    next_run: Instant | None = None
    status: Word | None = None


class AfterRunBody(Struct, frozen=True):
    """What a task's run came to; without `next_run` the task is completed."""

    id: Key
    last_result: str
    next_run: Instant | None = None


class TaskRunLogBody(Struct, frozen=True):
    """How one run of a task went."""

    task_id: Key
    run_at: Instant
    duration_ms: Annotated[int, Meta(ge=0, le=2**53)]
    status: Word
    result: str | None = None
    error: str | None = None


class RouterKeyBody(Struct, frozen=True):
    """Which value."""

    key: Key


class RouterValueBody(Struct, frozen=True):
    """A value to keep."""

    key: Key
    value: str


class RouterValue(Struct, frozen=True):
    """A kept value; null when there is none."""

    value: str | None


class SessionBody(Struct, frozen=True):
    """A group's session."""

    group_folder: FolderName
    session_id: Key


class SessionView(Struct, frozen=True):
    """A group's session; null when there is none."""

    session_id: str | None


class GroupJidBody(Struct, frozen=True):
    """Which group, by its chat."""

    jid: Jid


class RegisteredGroup(Struct, frozen=True, omit_defaults=True):
    """A registered chat; the last four are left out of answers where there is nothing to say."""

    jid: Jid
    name: Name
    folder: FolderName
    trigger: Name
    added_at: Instant
    container_config: dict[str, Any] | None = None
    requires_trigger: bool | None = None
    runtime: Word | None = None
    model: Word | None = None
