"""The next fire times as people see them before they save a task, with a word where the clock changes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from intercomd.domain.schedules.schedule import CronSchedule, IntervalSchedule, OnceSchedule, Schedule, next_fires
from intercomd.domain.schedules.zones import first_change, first_instant_of, offset_at, wall_at

PREVIEW_COUNT = 10
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewedFire:
    """A fire time, in UTC and as the zone's clock shows it; `warning` when that is not what the schedule says alone."""

    fire_at: datetime
    local: datetime
    warning: str | None


def preview(schedule: Schedule, after: datetime, count: int = PREVIEW_COUNT) -> tuple[PreviewedFire, ...]:
    """Up to `count` fire times after `after`; none for a `once` that is past."""
    fires = next_fires(schedule, after, count)
    return tuple(
        PreviewedFire(
            fire_at=fire, local=fire.astimezone(schedule.zone), warning=_warning(schedule, previous, fire)
        )
        for previous, fire in zip((after, *fires), fires, strict=False)
    )


def _warning(schedule: Schedule, previous: datetime, fire: datetime) -> str | None:
    match schedule:
        case IntervalSchedule():
            return None
        case OnceSchedule():
            return _once_warning(schedule)
        case CronSchedule() if schedule.calendar.is_every_hour:
            return _hourly_warning(schedule, previous, fire)
        case CronSchedule():
            return _wall_clock_warning(schedule, fire)


def _once_warning(schedule: OnceSchedule) -> str | None:
    if schedule.wall is None:
        return None
    shown = wall_at(schedule.zone, schedule.fire_at)
    if shown != schedule.wall:
        return f"{_missing(schedule.wall)}; fires at {shown:%H:%M}, the first instant after the gap"
    return _fold_warning(schedule, shown)


def _wall_clock_warning(schedule: CronSchedule, fire: datetime) -> str | None:
    shown = wall_at(schedule.zone, fire)
    gap_start = wall_at(schedule.zone, fire - _SECOND) + _SECOND
    wanted = schedule.calendar.first_from(gap_start)
    if wanted < shown:
        return f"{_missing(wanted)}; fires at {shown:%H:%M}, the first instant after the gap"
    return _fold_warning(schedule, shown)


def _fold_warning(schedule: CronSchedule | OnceSchedule, shown: datetime) -> str | None:
    second = shown.replace(tzinfo=schedule.zone, fold=1).astimezone(UTC)
    if second == first_instant_of(shown, schedule.zone):
        return None
    return f"{shown:%H:%M} comes twice on {shown:%Y-%m-%d}, when the clock goes back; fires the first time only"


def _hourly_warning(schedule: CronSchedule, previous: datetime, fire: datetime) -> str | None:
    if fire.astimezone(schedule.zone).fold:
        shown = wall_at(schedule.zone, fire)
        return f"{shown:%H:%M} comes a second time on {shown:%Y-%m-%d}; a task of every hour fires both times"
    change = first_change(schedule.zone, previous, fire)
    if change is None:
        return None
    wanted = schedule.calendar.first_from(change.replace(tzinfo=None) + offset_at(schedule.zone, previous))
    if wanted < wall_at(schedule.zone, change):
        return f"{_missing(wanted)}; a task of every hour has no fire in its place"
    return None


def _missing(wall: datetime) -> str:
    return f"{wall:%H:%M} does not exist on {wall:%Y-%m-%d}, when the clock goes forward"
