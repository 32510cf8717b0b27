"""Scheduled tasks: prompts with a schedule, and the record of how each of their runs went."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from intercomd.domain.ids import ChatJid, Folder, TaskId


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduledTask:
    """`schedule_type` is cron, interval or once; `context_mode` isolated or group; `status` active, paused or
    completed. A task without `next_run` is never due."""

    task_id: TaskId
    group_folder: Folder
    chat_jid: ChatJid
    prompt: str
    schedule_type: str
    schedule_value: str
    context_mode: str
    next_run: datetime | None
    last_run: datetime | None
    last_result: str | None
    status: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskChange:
    """New values of a task; None leaves a field as it is."""

    prompt: str | None = None
    schedule_type: str | None = None
    schedule_value: str | None = None
    next_run: datetime | None = None
    status: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRunLog:
    """How one run of a task went."""

    task_id: TaskId
    run_at: datetime
    duration: timedelta
    status: str
    result: str | None
    error: str | None
