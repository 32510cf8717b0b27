"""The codes of `domain/events.py` in words, as the steps of an explanation."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from intercomd.domain.events import EventCode
from intercomd.domain.schedules.misfires import SkipReason

WORDS: Mapping[str, str] = {
    EventCode.MESSAGE_REQUEST: "stored as a request",
    EventCode.MESSAGE_CONTEXT: "stored, not a request: it does not call the assistant; the next request shows it along",
    EventCode.MESSAGE_COMMAND: "stored as a command",
    EventCode.MESSAGE_UNREGISTERED: "stored, not a request: the chat is no registered group",
    EventCode.MESSAGE_BLANK: "stored, not a request: it has no text",
    EventCode.GROUP_REGISTERED: "the chat was registered as a group",
    EventCode.GROUP_CHANGED: "the group was changed",
    EventCode.GROUP_REMOVED: "the group was removed",
    EventCode.GROUP_NETWORK: "it was decided what the group's sandboxes may reach",
    EventCode.RUN_OPENED: "given to a run",
    EventCode.RUN_FOLLOW_UP: "handed to the running agent",
    EventCode.RUN_REPLIED: "the agent replied",
    EventCode.RUN_SILENT: "the agent ended its turn and had nothing to say",
    EventCode.RUN_FRAME_FAILED: "the agent failed after a reply; a notice says that it may be incomplete",
    EventCode.RUN_SUPERSEDED: "what the agent said came after the run had ended, and was dropped",
    EventCode.RUN_ENDED: "the run ended",
    EventCode.RUN_RETRY: "the run failed and is tried again",
    EventCode.RUN_GAVE_UP: "given up, with a notice in the chat",
    EventCode.RUN_PENDING: "the run ended early; what it did not answer waits for the next one",
    EventCode.GROUP_CANCELLED: "stopped by a command",
    EventCode.GROUP_RETRY_ASKED: "somebody asked to run the failed request again",
    EventCode.SESSION_FORGOTTEN: "the agent did not know its session any more; the next run starts a new one",
    EventCode.SESSION_REPLACED: "the session was replaced from outside",
    EventCode.TOOL_CALLED: "the agent used a tool",
    EventCode.TOOL_DONE: "what the agent asked for was done",
    EventCode.TOOL_REFUSED: "what the agent asked for was refused",
    EventCode.QUESTION_ASKED: "the agent asked a question with choices",
    EventCode.QUESTION_ANSWERED: "it answers the agent's question, so it is a request",
    EventCode.QUESTION_NOT_ANSWERED: "a button of a question that is not open was pressed; nothing came of it",
    EventCode.QUESTION_REPLACED: "the open question lapsed: the agent asked another one",
    EventCode.QUESTION_DROPPED: "the open question lapsed: the conversation was cleared",
    EventCode.QUESTION_EXPIRED: "the open question lapsed: nobody answered within a day",
    EventCode.TEXT_SENT: "text delivered",
    EventCode.TEXT_POSTPONED: "text not delivered yet, tried again later",
    EventCode.TEXT_FAILED: "text refused for good",
    EventCode.TEXT_EXPIRED: "text not delivered within a day, given up",
    EventCode.TEXT_UNKNOWN: "text perhaps delivered: the channel's answer was lost; not sent again",
    EventCode.TEXT_RESENT: "text perhaps delivered: the channel's answer was lost; sent again with a mark",
    EventCode.TASK_CREATED: "the task was made",
    EventCode.TASK_CHANGED: "the task was changed",
    EventCode.TASK_PAUSED: "the task was paused",
    EventCode.TASK_RESUMED: "the task was resumed",
    EventCode.TASK_MOVED: "the task went to another folder with its chat",
    EventCode.TASK_REMOVED: "the task was removed",
    EventCode.TASK_COMPLETED: "no fire time is left: the task is completed",
    EventCode.TASK_CLAIMED: "due, and queued for a run",
    EventCode.TASK_QUEUED: "due while it still runs, and queued for after that",
    EventCode.TASK_RUN_ASKED: "a run beside its schedule was asked for",
    EventCode.TASK_SKIPPED: "skipped",
    EventCode.TASK_RAN: "ran",
    EventCode.TASK_FAILED: "failed for good",
    EventCode.TASK_RETRY: "failed, and is tried again",
    EventCode.TASK_REQUEUED: "interrupted before it said anything, and queued again",
    EventCode.TASK_DRAINED: "the daemon stopped after it had said something; not run again",
    EventCode.TASK_STOPPED: "stopped by a command",
    EventCode.HOLD_PLACED: "an operator keeps a duty idle",
    EventCode.HOLD_LIFTED: "an operator lets a duty go on",
}


REASONS: Mapping[str, str] = {
    SkipReason.MISSED: "nobody was there to run it in time, and it is not run late",
    SkipReason.SUPERSEDED: "nobody was there to run it in time, and a later one stands for it",
    SkipReason.STILL_RUNNING: "the run before it was still at work",
    SkipReason.ONE_IS_QUEUED: "the one before it was still waiting for its run",
    SkipReason.TASK_PAUSED: "the task was paused before it could run",
    SkipReason.TASK_COMPLETED: "the task was declared completed before it could run",
    SkipReason.TASK_CHANGED: "the task got another schedule before it could run",
    SkipReason.TASK_REMOVED: "the task was removed before it could run",
    SkipReason.GROUP_REMOVED: "its chat is no group with this folder any more",
}
"""The reasons of `SkipReason`, also where a task was paused for one."""

_INSTANT = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
_OF_A_FIRE = re.compile(rf"({_INSTANT})(?: to ({_INSTANT}))?(?: (.+))?", re.DOTALL)
_NAMES_A_TEXT = "text."
"""What such events have as detail is a key, and nothing for people."""


def words_for(code: str, detail: str, zone: ZoneInfo) -> str:
    """One step in words, its instants in `zone`; a code without words stands for itself."""
    said = WORDS.get(code) or code.replace(".", " ").replace("_", " ")
    if not detail or code.startswith(_NAMES_A_TEXT):
        return said
    fire = _OF_A_FIRE.fullmatch(detail)
    if fire is None:
        return f"{said} ({_plain_reason(detail, zone)})"
    first, last, why = fire.groups()
    when = f"fire times {first} to {last}" if last else f"fire time {first}"
    said += f": {_plain_reason(why, zone)}" if why else ""
    return f"{said} ({_localized(when, zone)})"


def local_instant(instant: datetime, zone: ZoneInfo) -> str:
    """`2026-11-23 02:30:00 CET`; in UTC where the zone does not reach so far."""
    try:
        instant = instant.astimezone(zone)
    except OverflowError:
        instant = instant.astimezone(UTC)
    return f"{instant:%Y-%m-%d %H:%M:%S %Z}"


def _plain_reason(text: str, zone: ZoneInfo) -> str:
    return REASONS.get(text) or _localized(text, zone)


def _localized(text: str, zone: ZoneInfo) -> str:
    return re.sub(_INSTANT, lambda match: local_instant(datetime.fromisoformat(match[0]), zone), text)
