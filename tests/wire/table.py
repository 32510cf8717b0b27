"""The 25 endpoints as a table: what is sent and the exact bytes that come back, written by hand from original.md §5.2.

Every answer is that of the household in `SEED`. `WIDE` is a request without any time: an empty one where the endpoint
takes a time, and where it takes none a field that is unknown and ignored.
"""

from __future__ import annotations

from dataclasses import dataclass

JID = "tg:-1001"
OK = '{"ok":true}'
ISO = "2024-01-15T"

SEED: tuple[tuple[str, dict[str, object]], ...] = (
    ("/chats", {"jid": JID, "timestamp": f"{ISO}10:00:00Z", "name": "Family", "is_group": True}),
    ("/chats", {"jid": "49151@s.whatsapp.net", "timestamp": f"{ISO}09:00:00Z"}),
    (
        "/groups/set",
        {
            "jid": JID,
            "name": "Family",
            "folder": "family",
            "trigger": "@Ada",
            "added_at": f"{ISO}09:00:00.000Z",
            "container_config": {"timeout": 5},
            "model": "gemini-3.1-pro",
        },
    ),
    (
        "/messages",
        {
            "id": "m1",
            "chat_jid": JID,
            "sender": "7",
            "sender_name": "Uma",
            "content": "hello",
            "timestamp": f"{ISO}10:00:01.123456Z",
        },
    ),
    (
        "/messages",
        {
            "id": "b1",
            "chat_jid": JID,
            "sender": "bot",
            "sender_name": "Ada",
            "content": "hi",
            "timestamp": f"{ISO}10:00:02Z",
            "is_from_me": True,
            "is_bot_message": True,
        },
    ),
    (
        "/messages",
        {
            "id": "m2",
            "chat_jid": JID,
            "sender": "8",
            "sender_name": "Ben",
            "content": "what is up",
            "timestamp": f"{ISO}12:00:03+02:00",
            "is_from_me": True,
        },
    ),
    (
        "/tasks",
        {
            "id": "t1",
            "group_folder": "family",
            "chat_jid": JID,
            "prompt": "wake us",
            "schedule_type": "interval",
            "schedule_value": "60000",
            "next_run": f"{ISO}11:00:00Z",
            "last_result": "is not read",
            "created_at": f"{ISO}10:30:00Z",
        },
    ),
    (
        "/tasks",
        {
            "id": "t2",
            "group_folder": "family",
            "chat_jid": JID,
            "prompt": "later",
            "schedule_type": "once",
            "schedule_value": "2024-06-01T09:00:00",
            "context_mode": "group",
            "status": "paused",
            "created_at": f"{ISO}10:31:00Z",
        },
    ),
    ("/router-state/set", {"key": f"summary:{JID}", "value": "{}"}),
    ("/sessions/set", {"group_folder": "family", "session_id": "s-1"}),
)

M1 = (
    '{"id":"m1","chat_jid":"tg:-1001","sender":"7","sender_name":"Uma","content":"hello",'
    '"timestamp":"2024-01-15T10:00:01.123Z","is_from_me":false,"is_bot_message":false}'
)
M2 = (
    '{"id":"m2","chat_jid":"tg:-1001","sender":"8","sender_name":"Ben","content":"what is up",'
    '"timestamp":"2024-01-15T10:00:03.000Z","is_from_me":false,"is_bot_message":false}'
)
CURSOR = "eyJ0ZzotMTAwMSI6M30"
"""{"tg:-1001":3} in base64: the third text of the chat has been read."""

T1 = (
    '{"id":"t1","group_folder":"family","chat_jid":"tg:-1001","prompt":"wake us","schedule_type":"interval",'
    '"schedule_value":"60000","context_mode":"isolated","next_run":"2024-01-15T11:00:00.000Z","last_run":null,'
    '"last_result":null,"status":"active","created_at":"2024-01-15T10:30:00.000Z"}'
)
T2 = (
    '{"id":"t2","group_folder":"family","chat_jid":"tg:-1001","prompt":"later","schedule_type":"once",'
    '"schedule_value":"2024-06-01T09:00:00","context_mode":"group","next_run":null,"last_run":null,"last_result":null,'
    '"status":"paused","created_at":"2024-01-15T10:31:00.000Z"}'
)
GROUP = (
    '{"jid":"tg:-1001","name":"Family","folder":"family","trigger":"@Ada","added_at":"2024-01-15T09:00:00.000Z",'
    '"container_config":{"timeout":5},"requires_trigger":true,"model":"gemini-3.1-pro"}'
)
CHATS = (
    '[{"jid":"tg:-1001","name":"Family","last_message_time":"2024-01-15T10:00:03.000Z","channel":"telegram",'
    '"is_group":true},{"jid":"49151@s.whatsapp.net","name":"49151@s.whatsapp.net",'
    '"last_message_time":"2024-01-15T09:00:00.000Z","channel":"whatsapp","is_group":false}]'
)
TALK = (
    '[{"sender_name":"Ada","content":"hi","timestamp":"2024-01-15T10:00:02.000Z","is_bot_message":true},'
    '{"sender_name":"Ben","content":"what is up","timestamp":"2024-01-15T10:00:03.000Z","is_bot_message":false}]'
)


@dataclass(frozen=True)
class Row:
    """One endpoint. `wrong` has an ill-typed field named `field`; endpoints without a body ignore what is sent."""

    path: str
    valid: dict[str, object] | None
    answer: str
    wide: dict[str, object]
    wide_answer: str
    wrong: dict[str, object] | None
    field: str = ""


def _message(**changes: object) -> dict[str, object]:
    return {
        "id": "m9",
        "chat_jid": JID,
        "sender": "7",
        "sender_name": "Uma",
        "content": "x",
        "timestamp": f"{ISO}10:00:09Z",
    } | changes


def _task(**changes: object) -> dict[str, object]:
    return {
        "id": "t9",
        "group_folder": "family",
        "chat_jid": JID,
        "prompt": "p",
        "schedule_type": "cron",
        "schedule_value": "0 9 * * *",
        "created_at": f"{ISO}10:00:00Z",
    } | changes


def _log(**changes: object) -> dict[str, object]:
    return {"task_id": "t1", "run_at": f"{ISO}11:00:00Z", "duration_ms": 5, "status": "success"} | changes


def _group(**changes: object) -> dict[str, object]:
    return {
        "jid": "tg:2",
        "name": "Two",
        "folder": "two",
        "trigger": "",
        "added_at": f"{ISO}09:00:00Z",
    } | changes


def _new(time: str) -> dict[str, object]:
    return {"jids": [JID], "last_timestamp": time, "bot_prefix": "Ada"}


def _since(time: str) -> dict[str, object]:
    return {"chat_jid": JID, "since_timestamp": time, "bot_prefix": "Ada"}


NO_TIME: dict[str, object] = {"timestamp": ""}
NEW_HEAD = '{"messages":['
NEW_TAIL = f'],"new_timestamp":"{ISO}10:00:03.000Z","new_cursor":"{CURSOR}"}}'
AFTER_M1 = f"{ISO}10:00:01.123Z"

TABLE = (
    Row(
        "/chats",
        {"jid": "tg:5", "timestamp": f"{ISO}10:00:00Z"},
        OK,
        {"jid": "tg:5", "timestamp": ""},
        OK,
        {"jid": "tg:5", "timestamp": 5},
        "timestamp",
    ),
    Row(
        "/chats/name",
        {"jid": "tg:5", "name": "Five"},
        OK,
        {"jid": "tg:5", "name": "Five", **NO_TIME},
        OK,
        {"jid": "tg:5", "name": None},
        "name",
    ),
    Row("/chats/all", None, CHATS, NO_TIME, CHATS, None),
    Row("/messages", _message(), OK, _message(timestamp=""), OK, _message(is_from_me="no"), "is_from_me"),
    Row(
        "/messages/new",
        _new(AFTER_M1),
        NEW_HEAD + M2 + NEW_TAIL,
        _new(""),
        NEW_HEAD + M1 + "," + M2 + NEW_TAIL,
        {**_new(""), "jids": [JID, 5]},
        "jids[1]",
    ),
    Row(
        "/messages/since",
        _since(AFTER_M1),
        f"[{M2}]",
        _since(""),
        f"[{M1},{M2}]",
        {"chat_jid": JID, "since_timestamp": "", "bot_prefix": []},
        "bot_prefix",
    ),
    Row(
        "/messages/conversation",
        {"chat_jid": JID, "limit": 2},
        TALK,
        {"chat_jid": JID, "limit": 2, **NO_TIME},
        TALK,
        {"chat_jid": JID, "limit": "2"},
        "limit",
    ),
    Row("/tasks", _task(), OK, _task(created_at="", next_run=""), OK, _task(prompt=7), "prompt"),
    Row("/tasks/get", {"id": "t1"}, T1, {"id": "t1", **NO_TIME}, T1, {"id": 1}, "id"),
    Row(
        "/tasks/group",
        {"group_folder": "family"},
        f"[{T2},{T1}]",
        {"group_folder": "family", **NO_TIME},
        f"[{T2},{T1}]",
        {"group_folder": {}},
        "group_folder",
    ),
    Row("/tasks/all", None, f"[{T2},{T1}]", NO_TIME, f"[{T2},{T1}]", None),
    Row(
        "/tasks/update",
        {"id": "t1", "prompt": "p"},
        OK,
        {"id": "t1", "next_run": ""},
        OK,
        {"id": "t1", "status": True},
        "status",
    ),
    Row("/tasks/delete", {"id": "t1"}, OK, {"id": "t1", **NO_TIME}, OK, {"id": None}, "id"),
    Row("/tasks/due", None, f"[{T1}]", NO_TIME, f"[{T1}]", None),
    Row(
        "/tasks/after-run",
        {"id": "t1", "next_run": f"{ISO}12:00:00Z", "last_result": "Completed"},
        OK,
        {"id": "t1", "next_run": "", "last_result": "Completed"},
        OK,
        {"id": "t1", "last_result": None},
        "last_result",
    ),
    Row("/tasks/log", _log(), OK, _log(run_at=""), OK, _log(duration_ms=1.5), "duration_ms"),
    Row(
        "/router-state/get",
        {"key": f"summary:{JID}"},
        '{"value":"{}"}',
        {"key": "none", **NO_TIME},
        '{"value":null}',
        {"key": 1},
        "key",
    ),
    Row(
        "/router-state/set",
        {"key": "k", "value": "v"},
        OK,
        {"key": "k", "value": "", **NO_TIME},
        OK,
        {"key": "k", "value": 1},
        "value",
    ),
    Row(
        "/sessions/get",
        {"group_folder": "family"},
        '{"session_id":"s-1"}',
        {"group_folder": "none", **NO_TIME},
        '{"session_id":null}',
        {"group_folder": 1},
        "group_folder",
    ),
    Row(
        "/sessions/set",
        {"group_folder": "family", "session_id": "s-2"},
        OK,
        {"group_folder": "family", "session_id": "s-2", **NO_TIME},
        OK,
        {"group_folder": "family", "session_id": 2},
        "session_id",
    ),
    Row("/sessions/all", None, '{"family":"s-1"}', NO_TIME, '{"family":"s-1"}', None),
    Row(
        "/sessions/delete",
        {"group_folder": "family"},
        OK,
        {"group_folder": "none", **NO_TIME},
        OK,
        {"group_folder": None},
        "group_folder",
    ),
    Row("/groups/get", {"jid": JID}, GROUP, {"jid": "tg:9", **NO_TIME}, "null", {"jid": ["tg:9"]}, "jid"),
    Row("/groups/set", _group(), OK, _group(added_at=""), OK, _group(requires_trigger="yes"), "requires_trigger"),
    Row("/groups/all", None, f'{{"tg:-1001":{GROUP}}}', NO_TIME, f'{{"tg:-1001":{GROUP}}}', None),
)
