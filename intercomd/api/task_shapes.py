"""The JSON of `/v1/tasks`, for `/openapi.json`; the answers themselves are written by `task_views.py`."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct


class TaskShape(Struct):
    """A scheduled task; `schedule` is in words, `next_run_local` what the clock in `timezone` shows then."""

    task_id: str
    folder: str
    number: int
    chat_jid: str
    prompt: str
    schedule_type: str
    schedule_value: str
    schedule: str
    timezone: str
    context_mode: str
    misfire: Literal["run_once", "skip"]
    overlap: Literal["skip", "queue_one"]
    status: str
    next_run: str | None
    next_run_local: str | None
    last_run: str | None
    last_result: str | None
    failures: int
    created_at: str


class TaskPage(Struct):
    """Tasks in the order of their ids; `next` is the `after` of the page behind, null on the last."""

    tasks: list[TaskShape]
    next: str | None


class FireShape(Struct):
    """What became of a fire time. A skipped one may stand for all up to `through`."""

    task_id: str
    fire_at: str
    through: str
    state: Literal["queued", "running", "ran", "ran_late", "skipped", "failed", "stopped", "stopped_by_drain"]
    reason: str | None
    is_late: bool
    is_manual: bool
    attempts: int
    not_before: str | None
    run_id: str | None
    claimed_at: str
    settled_at: str | None


class FireList(Struct):
    """Fires, newest first."""

    fires: list[FireShape]


class PreviewedFireShape(Struct):
    """A fire time; `warning` where the clock changes."""

    at: str
    local: str
    warning: str | None


class PreviewShape(Struct):
    """What a schedule comes to."""

    schedule: str
    timezone: str
    fires: list[PreviewedFireShape]
