"""What may be stored as a scheduled task, and what becomes of its fire times when people change it.

Everybody who manages tasks comes by here, through `desk/tasks.py`. A wrong value raises `InvalidInput` naming prompt,
schedule_type, schedule_value, timezone, context_mode, misfire, overlap, next_run or status; what a task's state forbids
raises `StoreConflict`.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from datetime import datetime
from enum import StrEnum
from typing import TypeVar

from intercomd.domain.ids import ChatJid, Folder, TaskId
from intercomd.domain.scheduled import ContextMode, ScheduledTask, TaskChange, TaskStatus
from intercomd.domain.schedules.misfires import MisfirePolicy, OverlapPolicy
from intercomd.domain.schedules.schedule import IntervalSchedule, Schedule, next_fire, parse_schedule
from intercomd.domain.schedules.zones import wall_at
from intercomd.domain.text import clean
from intercomd.errors import InvalidInput, StoreConflict

MAX_PROMPT = 16_384
"""Characters; what is longer belongs into a file of the group, which the prompt can name."""
_YEAR_BEYOND = 3000

Value = TypeVar("Value")
Word = TypeVar("Word", bound=StrEnum)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskDraft:
    """A task as somebody asks for it, unchecked. `zone` None is the default zone; `task_id` is the client's own, so
    that asking again makes no second task. The last three are for rows that were made elsewhere: `next_run` is their
    first fire time, whatever the schedule says."""

    folder: Folder
    prompt: str
    schedule_type: str
    schedule_value: str
    zone: str | None = None
    context_mode: str = ContextMode.ISOLATED
    misfire: str = MisfirePolicy.RUN_ONCE
    overlap: str = OverlapPolicy.SKIP
    task_id: TaskId | None = None
    next_run: datetime | None = None
    status: str = TaskStatus.ACTIVE
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskEdit:
    """New values for a task, unchecked; None leaves a field as it is."""

    prompt: str | None = None
    schedule_type: str | None = None
    schedule_value: str | None = None
    zone: str | None = None
    context_mode: str | None = None
    misfire: str | None = None
    overlap: str | None = None
    next_run: datetime | None = None
    status: str | None = None


def plan_task(draft: TaskDraft, task_id: TaskId, chat_jid: ChatJid, zone: str, now: datetime) -> ScheduledTask:
    """The task that `draft` asks for; `zone` stands in where it has none.

    Refuses what would never fire: a broken schedule, and a `once` that is past, unless its `next_run` is given.
    """
    zone = zone if draft.zone is None else draft.zone
    status = _parse_word(draft.status, TaskStatus, "status")
    schedule = parse_schedule(draft.schedule_type, draft.schedule_value, zone, anchor=now)
    next_run = check_next_run(draft.next_run)
    if next_run is None and status is TaskStatus.ACTIVE:
        next_run = first_fire(schedule, draft.schedule_value, now)
    return ScheduledTask(
        task_id=task_id,
        group_folder=draft.folder,
        chat_jid=chat_jid,
        prompt=_parse_prompt(draft.prompt),
        schedule_type=draft.schedule_type,
        schedule_value=draft.schedule_value,
        context_mode=_parse_word(draft.context_mode, ContextMode, "context_mode"),
        next_run=next_run,
        last_run=None,
        last_result=None,
        status=status,
        created_at=draft.created_at or now,
        zone=zone,
        misfire=_parse_word(draft.misfire, MisfirePolicy, "misfire"),
        overlap=_parse_word(draft.overlap, OverlapPolicy, "overlap"),
        anchor_at=_anchor_of(schedule, draft.next_run, now),
    )


def is_repeat(draft: TaskDraft, known: ScheduledTask, zone: str) -> bool:
    """Whether `known` is what the same draft made before; its state may have changed since."""
    return known == replace(
        known,
        group_folder=draft.folder,
        prompt=clean(draft.prompt),
        schedule_type=draft.schedule_type,
        schedule_value=draft.schedule_value,
        zone=zone if draft.zone is None else draft.zone,
        context_mode=draft.context_mode,
        misfire=_parse_word(draft.misfire, MisfirePolicy, "misfire"),
        overlap=_parse_word(draft.overlap, OverlapPolicy, "overlap"),
    )


def plan_edit(task: ScheduledTask, edit: TaskEdit, now: datetime) -> TaskChange:
    """What `edit` changes; nothing where it says what is there already.

    With another schedule or zone the task begins anew: an interval counts from now, the next fire is the first one
    from now on, and a completed task is active again. A given `next_run` wins over that; the status `active` resumes.
    """
    change = _plan_fields(task, edit)
    if any(value is not None for value in (change.schedule_type, change.schedule_value, change.zone)):
        change = _reschedule(task, change, now)
    if edit.next_run is not None:
        schedule = _schedule_of(changed(task, change), now)
        check_next_run(edit.next_run)
        change = replace(change, next_run=edit.next_run, anchor_at=_anchor_of(schedule, edit.next_run, now))
    if edit.status is not None:
        change = _plan_status(task, change, _parse_word(edit.status, TaskStatus, "status"), now)
    return change


def plan_pause(task: ScheduledTask) -> TaskChange:
    """Nothing for a paused task; raises `StoreConflict` for a completed one."""
    if task.status == TaskStatus.COMPLETED:
        raise StoreConflict(f"{name_of(task)} is completed: there is nothing to pause")
    return TaskChange() if task.status == TaskStatus.PAUSED else TaskChange(status=TaskStatus.PAUSED)


def plan_resume(task: ScheduledTask, now: datetime) -> TaskChange:
    """The next fire is the first one from now on, whatever passed meanwhile (hazard B-82); nothing for an active task.

    Raises `StoreConflict` for a `once` whose time is past, whether it ran then or was paused.
    """
    if task.status == TaskStatus.ACTIVE:
        return TaskChange()
    next_run = next_fire(_schedule_of(task, now), now)
    if next_run is None:
        raise StoreConflict(
            f"{name_of(task)} was to run once, at {task.schedule_value}, and that is past: change its schedule to a "
            f"time to come, and it is active again"
        )
    return TaskChange(status=TaskStatus.ACTIVE, next_run=next_run)


def changed(task: ScheduledTask, change: TaskChange) -> ScheduledTask:
    """The task as `change` leaves it."""
    values = {field.name: getattr(change, field.name) for field in fields(change)}
    return replace(task, **{name: value for name, value in values.items() if value is not None})


def first_fire(schedule: Schedule, value: str, now: datetime) -> datetime:
    """The first fire time from now on; without one raises `InvalidInput` that says what time it is there."""
    fire = next_fire(schedule, now)
    if fire is None:
        there = wall_at(schedule.zone, now)
        raise InvalidInput("schedule_value", f"{value!r} is past: it is {there:%Y-%m-%d %H:%M} in {schedule.zone}")
    return fire


def check_next_run(next_run: datetime | None) -> datetime | None:
    """Before the year 3000, as what a `once` may name: the last instants of the calendar exist in some zones only."""
    if next_run is not None and next_run.year >= _YEAR_BEYOND:
        raise InvalidInput("next_run", f"{next_run:%Y-%m-%d} is too far away; it may be before the year {_YEAR_BEYOND}")
    return next_run


def name_of(task: ScheduledTask) -> str:
    """What people are told a task is called."""
    return f"task {task.number} of {task.group_folder}"


def _plan_fields(task: ScheduledTask, edit: TaskEdit) -> TaskChange:
    prompt = None if edit.prompt is None else _parse_prompt(edit.prompt)
    context = None if edit.context_mode is None else _parse_word(edit.context_mode, ContextMode, "context_mode")
    misfire = None if edit.misfire is None else _parse_word(edit.misfire, MisfirePolicy, "misfire")
    overlap = None if edit.overlap is None else _parse_word(edit.overlap, OverlapPolicy, "overlap")
    return TaskChange(
        prompt=_unless(prompt, task.prompt),
        schedule_type=_unless(edit.schedule_type, task.schedule_type),
        schedule_value=_unless(edit.schedule_value, task.schedule_value),
        zone=_unless(edit.zone, task.zone),
        context_mode=_unless(context, task.context_mode),
        misfire=_unless(misfire, task.misfire),
        overlap=_unless(overlap, task.overlap),
    )


def _reschedule(task: ScheduledTask, change: TaskChange, now: datetime) -> TaskChange:
    after = replace(changed(task, change), anchor_at=now)
    fire = first_fire(_schedule_of(after, now), after.schedule_value, now)
    is_over = task.status == TaskStatus.COMPLETED
    return replace(change, next_run=fire, anchor_at=now, status=TaskStatus.ACTIVE if is_over else None)


def _plan_status(task: ScheduledTask, change: TaskChange, status: TaskStatus, now: datetime) -> TaskChange:
    match status:
        case TaskStatus.PAUSED:
            return replace(change, status=plan_pause(changed(task, change)).status)
        case TaskStatus.COMPLETED:
            return replace(change, status=_unless(status, task.status))
        case TaskStatus.ACTIVE if change.next_run is not None:
            return replace(change, status=_unless(status, task.status))
        case TaskStatus.ACTIVE:
            resumed = plan_resume(changed(task, change), now)
            return replace(change, status=resumed.status, next_run=resumed.next_run)


def _schedule_of(task: ScheduledTask, now: datetime) -> Schedule:
    return parse_schedule(task.schedule_type, task.schedule_value, task.zone, anchor=task.anchor_at or now)


def _anchor_of(schedule: Schedule, next_run: datetime | None, now: datetime) -> datetime:
    """What an interval counts from, so that its first fire is `next_run`, or one interval ahead."""
    if next_run is None or not isinstance(schedule, IntervalSchedule):
        return now
    return next_run - schedule.every


def _parse_prompt(text: str) -> str:
    if not text.strip():
        raise InvalidInput("prompt", "it is empty; say what is to be done")
    if len(text) > MAX_PROMPT:
        raise InvalidInput("prompt", f"has {len(text)} characters; at most {MAX_PROMPT} are allowed")
    return text


def _parse_word(text: str, words: type[Word], field: str) -> Word:
    try:
        return words(text)
    except ValueError:
        raise InvalidInput(field, f"{text[:40]!r} is none of {', '.join(words)}") from None


def _unless(given: Value | None, present: object) -> Value | None:
    return None if given == present else given
