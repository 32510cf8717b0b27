"""The assistant's tools: what each is called, what it is for, and which arguments it takes.

The texts are read by a model: short, exact, and in one voice about the rule that the final answer of a run is delivered
by itself (hazard B-79). Names are those of the query types on the host (docs/agent-tools.md).
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:  # not from `typing`: its import takes as long as all the rest
    from collections.abc import Mapping
    from typing import Any

    Schema = Mapping[str, Any]

INSTRUCTIONS = (
    "Tools of the assistant in its chat. The final answer of every run, also of a scheduled task, is sent to the chat "
    "by itself: never repeat it with send_message. A tool that reports an error has changed nothing unless it says so."
)


class Tool:
    """One tool; `is_reading` when a call changes nothing and may be made again at will."""

    def __init__(self, name: str, description: str, schema: Schema, *, is_reading: bool = False) -> None:
        self.name = name
        self.description = description
        self.schema = schema
        self.is_reading = is_reading


def _text(description: str, most: int, **keywords: object) -> Schema:
    return {"type": "string", "description": description, "minLength": 1, "maxLength": most, **keywords}


def _one_of(description: str, *values: str) -> Schema:
    return {"type": "string", "description": description, "enum": list(values)}


def _object(*required: str, **fields: Schema) -> Schema:
    return {"type": "object", "properties": fields, "required": list(required), "additionalProperties": False}


_MOST_TEXT = 100_000
_MOST_PROMPT = 16_384
_SHORT = 200
_TASK_ID = _text("The task's id, as list_tasks gives it.", _SHORT)
_PROMPT = _text(
    "What to do at each fire time, said so that it can be done without this conversation in mind. The final answer of "
    "that run is sent to the chat by itself; to send nothing, answer in <internal> tags only.",
    _MOST_PROMPT,
)
_SCHEDULE_TYPE = _one_of("How schedule_value is read.", "cron", "interval", "once")
_SCHEDULE_VALUE = _text(
    "cron: 5 fields in the task's time zone, minute hour day month weekday ('0 9 * * 1-5' is 9:00 on weekdays), or "
    "@daily and the like. interval: milliseconds, 1000 or more ('3600000' is every hour). once: a time in the task's "
    "time zone, '2026-02-01T15:30:00', or one with its own zone, '2026-02-01T15:30:00Z'.",
    _SHORT,
)
_ZONE = _text("An IANA time zone such as 'Europe/Berlin'. Without it the household's own.", _SHORT)
_CONTEXT = _one_of(
    "group (usual): the run continues this conversation. isolated: it starts empty, and nothing of it is remembered.",
    "group",
    "isolated",
)
_MISFIRE = _one_of(
    "After a fire time was missed because the machine was off. run_once (usual): run once, late. skip: wait for the "
    "next.",
    "run_once",
    "skip",
)
_OVERLAP = _one_of(
    "While the run before is still going. skip (usual): leave this fire time out. queue_one: run once after it.",
    "skip",
    "queue_one",
)
_SCHEDULE = {
    "schedule_type": _SCHEDULE_TYPE,
    "schedule_value": _SCHEDULE_VALUE,
    "timezone": _ZONE,
    "context_mode": _CONTEXT,
    "misfire": _MISFIRE,
    "overlap": _OVERLAP,
}

TOOLS = (
    Tool(
        "send_message",
        "Send a text to the chat at once, while you go on working: progress, or something besides the answer. Your "
        "final answer is sent by itself, so do not send it here as well.",
        _object(
            "text",
            text=_text("The text, Markdown allowed.", _MOST_TEXT),
            target_jid=_text("Another chat, from list_groups. The main group only. Without it this chat.", _SHORT),
            files={
                "type": "array",
                "description": "Files to send along, each of 20 MB at most: paths below /workspace/group.",
                "items": {"type": "string", "minLength": 1, "maxLength": 1000},
                "minItems": 1,
                "maxItems": 10,
                "uniqueItems": True,
            },
            sender=_text("A name to show in front of the text, for a part you play.", _SHORT),
        ),
    ),
    Tool(
        "schedule_task",
        "Have a prompt run later, once or again and again, in this chat. Gives the task's id and its next time.",
        _object(
            "prompt",
            "schedule_type",
            "schedule_value",
            prompt=_PROMPT,
            **_SCHEDULE,
            target_group_jid=_text("Another group's chat, from list_groups. The main group only.", _SHORT),
        ),
    ),
    Tool(
        "list_tasks",
        "The scheduled tasks of this group (in the main group, of all): id, prompt, schedule, status, next time.",
        _object(),
        is_reading=True,
    ),
    Tool(
        "update_task",
        "Change a task; what is not given stays. A new schedule counts from now.",
        {**_object("task_id", task_id=_TASK_ID, prompt=_PROMPT, **_SCHEDULE), "minProperties": 2},
    ),
    Tool("pause_task", "Stop a task from running until it is resumed.", _object("task_id", task_id=_TASK_ID)),
    Tool(
        "resume_task",
        "Let a paused task run again, from its next fire time on; what was missed is not made up for.",
        _object("task_id", task_id=_TASK_ID),
    ),
    Tool("cancel_task", "Delete a task for good.", _object("task_id", task_id=_TASK_ID)),
    Tool(
        "list_groups",
        "The groups: jid, name, folder. The main group sees all chats, others see themselves.",
        _object(),
        is_reading=True,
    ),
    Tool(
        "register_group",
        "Make a chat a group that you answer in. The main group only.",
        _object(
            "jid",
            "name",
            "folder",
            "trigger",
            jid=_text("The chat, as list_groups gives it, such as 'tg:-1001234567890'.", _SHORT),
            name=_text("How people call it.", _SHORT),
            folder=_text(
                "Its folder: letters, digits, '-' and '_'; not that of another group.",
                64,
                pattern="^[A-Za-z0-9][A-Za-z0-9_-]*$",
            ),
            trigger=_text("What a text must begin with to be for you, such as '@Andy'.", _SHORT),
            requires_trigger={
                "type": "boolean",
                "description": "false: every text there is for you. Without it true.",
            },
            container_config={"type": "object", "description": "Extra mounts and time limit, as documented."},
        ),
    ),
    Tool(
        "ask_user",
        "Ask the people of this chat something with choices. Returns at once; the answer comes as a later message, so "
        "end your turn when you need it. One question is open at a time: a new one replaces it.",
        _object(
            "question",
            "choices",
            question=_text("The question.", 2000),
            choices={
                "type": "array",
                "description": "2 to 8 short, different answers to choose from.",
                "items": {"type": "string", "minLength": 1, "maxLength": 80},
                "minItems": 2,
                "maxItems": 8,
                "uniqueItems": True,
            },
        ),
    ),
    Tool(
        "search_history",
        "Earlier texts of this chat, newest first: what people and you wrote.",
        _object(
            text=_text("Only texts that contain this, upper or lower case. Without it all.", _SHORT),
            before=_text("Only texts before this time, '2026-02-01T15:30:00Z'; the oldest found, to go on.", _SHORT),
            limit={"type": "integer", "description": "How many; 20 without it.", "minimum": 1, "maximum": 100},
        ),
        is_reading=True,
    ),
)
TOOL_BY_NAME = {tool.name: tool for tool in TOOLS}
