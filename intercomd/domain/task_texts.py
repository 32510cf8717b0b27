"""Scheduled tasks in chats: what `/tasks`, `/pause`, `/resume` and `/cancel` take and say.

A task is called by its number; another group's, in the main group's chat, by folder and number: `cooks/3`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate

from intercomd.domain.folder import parse_folder
from intercomd.domain.ids import Folder
from intercomd.domain.markdown import in_code, plain
from intercomd.domain.scheduled import ScheduledTask, TaskStatus
from intercomd.domain.schedules.wording import schedule_in_words
from intercomd.domain.schedules.zones import parse_zone, wall_at
from intercomd.domain.text import cut, utf16_units
from intercomd.errors import InvalidInput

MOST_SHOWN = 20
_MOST_UNITS = 3500
"""Of the entries of one answer, in UTF-16, so that it fits one text of any channel."""
_MOST_CHARACTERS = 60
_REFERENCE = re.compile(r"(?:(?P<folder>[^/\s]{1,64})/)?#?(?P<number>[0-9]{1,9})")


@dataclass(frozen=True, slots=True)
class TaskReference:
    """Which task: `folder` None means the chat's own group."""

    folder: Folder | None
    number: int


def parse_reference(arguments: str) -> TaskReference | None:
    """`3`, `#3` or `cooks/3`; None for every other text."""
    match = _REFERENCE.fullmatch(arguments.strip())
    if match is None:
        return None
    try:
        folder = parse_folder(match["folder"]) if match["folder"] else None
    except InvalidInput:
        return None
    return TaskReference(folder, int(match["number"]))


def list_text(tasks: Sequence[ScheduledTask], own: Folder, *, is_main: bool) -> str:
    """The tasks that are not completed; one more than `MOST_SHOWN` says that there are more."""
    if not tasks:
        return "No tasks are scheduled." if is_main else "No tasks are scheduled in this chat."
    entries = [_entry(task, own) for task in tasks]
    ends = accumulate(map(utf16_units, entries))
    shown = [entry for entry, end in zip(entries[:MOST_SHOWN], ends, strict=False) if end <= _MOST_UNITS]
    more = ["There are more; `intercomd tasks list` shows all."] if len(shown) < len(tasks) else []
    hint = "`/pause #`, `/resume #` or `/cancel #` with the number"
    return "\n".join(["*Scheduled tasks*", "", *shown, *more, "", hint])


def usage_text(command: str) -> str:
    """What to write when no task is named."""
    return f"Which task? `/{command} 3`, with a number that /tasks shows."


def paused_text(task: ScheduledTask, own: Folder) -> str:
    return f"Task {_name(task, own)} is paused. `/resume {_reference(task, own)}` lets it go on."


def resumed_text(task: ScheduledTask, own: Folder) -> str:
    return f"Task {_name(task, own)} is active: {_schedule(task)}, {_state(task)}."


def cancelled_text(task: ScheduledTask, own: Folder) -> str:
    return f"Task {_name(task, own)} is cancelled and removed: {plain(_short(task.prompt))}"


def local_time(instant: datetime | None, zone: str) -> str | None:
    """`Mon 2026-11-23 09:00`, as the zone's clock shows it; in UTC, and said so, when the zone is none or does not
    reach so far."""
    if instant is None:
        return None
    try:
        return f"{wall_at(parse_zone(zone), instant):%a %Y-%m-%d %H:%M}"
    except (InvalidInput, OverflowError):
        return f"{instant:%a %Y-%m-%d %H:%M} UTC"


def _entry(task: ScheduledTask, own: Folder) -> str:
    return f"{_name(task, own)} {_schedule(task)}, {_state(task)}\n    {plain(_short(task.prompt))}"


def _name(task: ScheduledTask, own: Folder) -> str:
    return f"`{_reference(task, own)}`"


def _reference(task: ScheduledTask, own: Folder) -> str:
    return str(task.number) if task.group_folder == own else f"{task.group_folder}/{task.number}"


def _schedule(task: ScheduledTask) -> str:
    words = cut(schedule_in_words(task.schedule_type, task.schedule_value), _MOST_CHARACTERS)
    shown = words if plain(words) == words else f"`{in_code(words)}`"
    return f"{shown} (`{in_code(task.zone)}`)"


def _state(task: ScheduledTask) -> str:
    if task.status != TaskStatus.ACTIVE:
        return task.status
    shown = local_time(task.next_run, task.zone)
    return "running for the last time" if shown is None else f"next {shown}"


def _short(prompt: str) -> str:
    return cut(" ".join(prompt.split()), _MOST_CHARACTERS)
