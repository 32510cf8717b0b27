"""Scheduled tasks: prompts with a schedule, what becomes of each fire time, and the record of how each run went."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from intercomd.domain.ids import ChatJid, Folder, RunId, TaskId
from intercomd.domain.schedules.misfires import MisfirePolicy, OverlapPolicy


class TaskStatus(StrEnum):
    """Only an active task fires; a completed one has no fire time left."""

    ACTIVE = "active"
    PAUSED = "paused"
    COMPLETED = "completed"


class ContextMode(StrEnum):
    """Whether a task's runs continue the group's conversation or start an empty one that nobody keeps."""

    GROUP = "group"
    ISOLATED = "isolated"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduledTask:
    """`schedule_type` is cron, interval or once; `context_mode` isolated or group; `status` active, paused or
    completed. A task without `next_run` is never due. `zone` is an IANA name, `anchor_at` the instant from which an
    interval counts, `number` how people call it in its chat (never given twice there), `failures` how many fires in a
    row have failed."""

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
    zone: str = "UTC"
    misfire: MisfirePolicy = MisfirePolicy.RUN_ONCE
    overlap: OverlapPolicy = OverlapPolicy.SKIP
    anchor_at: datetime | None = None
    number: int = 0
    failures: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskChange:
    """New values of a task; None leaves a field as it is."""

    prompt: str | None = None
    schedule_type: str | None = None
    schedule_value: str | None = None
    next_run: datetime | None = None
    status: str | None = None
    context_mode: str | None = None
    zone: str | None = None
    misfire: MisfirePolicy | None = None
    overlap: OverlapPolicy | None = None
    anchor_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRunLog:
    """How one run of a task went."""

    task_id: TaskId
    run_at: datetime
    duration: timedelta
    status: str
    result: str | None
    error: str | None


class FireState(StrEnum):
    """What became of a fire time. The first two are on their way, the others are final."""

    QUEUED = "queued"
    RUNNING = "running"
    RAN = "ran"
    RAN_LATE = "ran_late"
    SKIPPED = "skipped"
    FAILED = "failed"
    STOPPED = "stopped"
    """Ended by a command; nothing is run again."""
    STOPPED_BY_DRAIN = "stopped_by_drain"
    """The daemon stopped after something had been said already; without that the fire is queued again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fire:
    """One row of the ledger: a fire time of a task, claimed before its run. `through` is the last fire time a skipped
    row stands for; `reason` says why a fire was skipped, failed or stopped; `is_manual` when somebody asked for it."""

    task_id: TaskId
    fire_at: datetime
    through: datetime
    folder: Folder
    chat_jid: ChatJid
    state: FireState
    reason: str | None
    is_late: bool
    is_manual: bool
    attempts: int
    not_before: datetime | None
    run_id: RunId | None
    claimed_at: datetime
    settled_at: datetime | None


@dataclass(frozen=True, slots=True)
class ReadyTask:
    """A group with a fire that may be run now; `waiting_since` is when its oldest one was claimed."""

    chat_jid: ChatJid
    folder: Folder
    waiting_since: datetime


@dataclass(frozen=True, slots=True)
class Claimed:
    """What a look at the due tasks did: how many tasks were handled, and whether more are due than `limit` let in."""

    handled: int
    is_cut: bool


@dataclass(frozen=True, slots=True)
class TaskInput:
    """What a run does for a task instead of answering messages."""

    task_id: TaskId
    fire_at: datetime
    prompt: str
    context_mode: ContextMode
