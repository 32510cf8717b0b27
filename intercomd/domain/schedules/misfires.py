"""What becomes of fire times that were missed, and of one that comes while its task still runs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from intercomd.domain.schedules.schedule import Schedule, latest_fire, next_fire

ON_TIME_WITHIN = timedelta(minutes=1)
"""A fire that is handled at most this late counts as on time: the poll that backs up the timer takes seconds."""

_MILLISECOND = timedelta(milliseconds=1)


class MisfirePolicy(StrEnum):
    """What a task wants for fire times that nobody handled in time."""

    RUN_ONCE = "run_once"
    SKIP = "skip"


class OverlapPolicy(StrEnum):
    """What a task wants for a fire time that comes while it runs."""

    SKIP = "skip"
    QUEUE_ONE = "queue_one"


class FireVerdict(StrEnum):
    """What a planned fire is: run on time, run late, or recorded as skipped."""

    ON_TIME = "on_time"
    LATE = "late"
    SKIPPED = "skipped"


class SkipReason(StrEnum):
    """Why a fire time has no run."""

    MISSED = "missed"
    SUPERSEDED = "superseded"
    STILL_RUNNING = "still_running"
    ONE_IS_QUEUED = "one_is_queued"
    TASK_PAUSED = "task_paused"
    TASK_COMPLETED = "task_completed"
    TASK_CHANGED = "task_changed"
    TASK_REMOVED = "task_removed"
    GROUP_REMOVED = "group_removed"


class Overlap(StrEnum):
    """What to do with a fire that is due."""

    START = "start"
    QUEUE = "queue"
    SKIP = "skip"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedFire:
    """One row to record. `through` is the last fire time it stands for: later than `fire_at` only for skipped ones,
    of which a single row stands for a whole stretch. `reason` is there exactly when it is skipped."""

    fire_at: datetime
    through: datetime
    verdict: FireVerdict
    reason: SkipReason | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OverlapDecision:
    """`reason` is there exactly when the fire is skipped."""

    overlap: Overlap
    reason: SkipReason | None


def plan_fires(
    schedule: Schedule, last_handled: datetime, now: datetime, policy: MisfirePolicy
) -> tuple[PlannedFire, ...]:
    """The rows for all fire times in (`last_handled`, `now`]: at most two, at most the last of which runs.

    `last_handled` is the latest fire time that has a row, or the instant from which the task counts (it was made,
    resumed or changed). The latest fire time runs if it is on time, and under `run_once` also if it is late; those
    before it are skipped together. A clock that went back gives no rows, one that leapt ahead gives a late one.
    """
    latest = latest_fire(schedule, last_handled, now)
    if latest is None:
        return ()
    is_on_time = now - latest <= ON_TIME_WITHIN
    if not is_on_time and policy is MisfirePolicy.SKIP:
        return (_skipped(schedule, last_handled, latest, SkipReason.MISSED),)
    verdict = FireVerdict.ON_TIME if is_on_time else FireVerdict.LATE
    runs = PlannedFire(fire_at=latest, through=latest, verdict=verdict, reason=None)
    before = latest_fire(schedule, last_handled, latest - _MILLISECOND)
    if before is None:
        return (runs,)
    reason = SkipReason.SUPERSEDED if policy is MisfirePolicy.RUN_ONCE else SkipReason.MISSED
    return (_skipped(schedule, last_handled, before, reason), runs)


def decide_overlap(policy: OverlapPolicy, *, is_running: bool, has_queued: bool) -> OverlapDecision:
    """What to do with a due fire of a task that may be running, or may have a fire in waiting.

    `queue_one` keeps one fire in waiting and no more: a task longer than its interval would grow a queue without end.
    """
    if has_queued:
        return OverlapDecision(overlap=Overlap.SKIP, reason=SkipReason.ONE_IS_QUEUED)
    if not is_running:
        return OverlapDecision(overlap=Overlap.START, reason=None)
    if policy is OverlapPolicy.QUEUE_ONE:
        return OverlapDecision(overlap=Overlap.QUEUE, reason=None)
    return OverlapDecision(overlap=Overlap.SKIP, reason=SkipReason.STILL_RUNNING)


def _skipped(schedule: Schedule, after: datetime, through: datetime, reason: SkipReason) -> PlannedFire:
    first = next_fire(schedule, after)
    return PlannedFire(fire_at=first or through, through=through, verdict=FireVerdict.SKIPPED, reason=reason)
