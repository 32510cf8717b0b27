"""The three kinds of schedules, from what people write to the next fire time."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from intercomd.domain.schedules.cron import CronCalendar
from intercomd.domain.schedules.cron_parsing import parse_cron
from intercomd.domain.schedules.zones import first_change, first_instant_of, offset_at, parse_zone, wall_at
from intercomd.errors import IntercomError, InvalidInput

MIN_INTERVAL = timedelta(seconds=1)
MAX_INTERVAL = timedelta(days=366)
_MINUTE = timedelta(minutes=1)
_MILLISECOND = timedelta(milliseconds=1)
_ONCE = re.compile(
    r"(19[7-9]|2[0-9]{2})[0-9]-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?"
    r"(Z|[+-][0-9]{2}:[0-9]{2})?",
    re.IGNORECASE,
)


class ScheduleKind(StrEnum):
    """The values of a task's `schedule_type`."""

    CRON = "cron"
    INTERVAL = "interval"
    ONCE = "once"


class ScheduleBroken(IntercomError):
    """A schedule gave a fire time that is not later than the one before: a task would fire for ever."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CronSchedule:
    """The wall times of `calendar` in `zone`."""

    calendar: CronCalendar
    zone: ZoneInfo

    def next_after(self, after: datetime) -> datetime:
        return self._next_hourly(after) if self.calendar.is_every_hour else self._next_by_wall_clock(after)

    def _next_by_wall_clock(self, after: datetime) -> datetime:
        """Each wall time fires once; the repeated ones between the passes of a fold have fired already."""
        wall = self.calendar.first_from(wall_at(self.zone, after))
        while (fire := first_instant_of(wall, self.zone)) <= after:
            wall = self.calendar.first_from(wall + _MINUTE)
        return fire

    def _next_hourly(self, after: datetime) -> datetime:
        """Goes from stretch to stretch of one offset, within which wall time and time are the same but for it."""
        begin, wall = after, wall_at(self.zone, after).replace(second=0, microsecond=0) + _MINUTE
        while True:
            fire = (self.calendar.first_from(wall) - offset_at(self.zone, begin)).replace(tzinfo=UTC)
            change = first_change(self.zone, begin, fire)
            if change is None:
                return fire
            begin, wall = change, wall_at(self.zone, change)


@dataclass(frozen=True, slots=True, kw_only=True)
class IntervalSchedule:
    """Fires at `anchor` + n · `every`, n = 1, 2, …: how long a run takes or waits moves nothing (no drift)."""

    every: timedelta
    anchor: datetime
    zone: ZoneInfo

    def next_after(self, after: datetime) -> datetime:
        return self.anchor + max(1, (after - self.anchor) // self.every + 1) * self.every


@dataclass(frozen=True, slots=True, kw_only=True)
class OnceSchedule:
    """Fires at `fire_at`. `wall` is the wall time it was given as, None when it came with an offset."""

    fire_at: datetime
    zone: ZoneInfo
    wall: datetime | None

    def next_after(self, after: datetime) -> datetime | None:
        return self.fire_at if self.fire_at > after else None


Schedule = CronSchedule | IntervalSchedule | OnceSchedule


def parse_schedule(kind: str, value: str, zone: str, *, anchor: datetime) -> Schedule:
    """A schedule from the texts of a task; raises `InvalidInput` naming schedule_type, schedule_value or timezone.

    `anchor` is the instant from which an interval counts: when the task was made or its schedule changed last; the
    other kinds do not use it. That a `once` is past is no error here: it has no next fire time.
    """
    known = parse_zone(zone)
    match kind:
        case ScheduleKind.CRON:
            return CronSchedule(calendar=parse_cron(value, "schedule_value"), zone=known)
        case ScheduleKind.INTERVAL:
            whole = _whole_milliseconds(anchor.astimezone(UTC))
            return IntervalSchedule(every=_parse_interval(value), anchor=whole, zone=known)
        case ScheduleKind.ONCE:
            return _parse_once(value, known)
        case _:
            raise InvalidInput("schedule_type", f"{kind!r} is no schedule type; allowed are {', '.join(ScheduleKind)}")


def next_fire(schedule: Schedule, after: datetime) -> datetime | None:
    """The first fire time strictly after `after`, both in UTC; None when there is none.

    Raises `ScheduleBroken` rather than give an instant that is not after `after`.
    """
    fire = schedule.next_after(after)
    if fire is not None and fire <= after:
        raise ScheduleBroken(f"{schedule} fires at {fire.isoformat()}, which is not after {after.isoformat()}")
    return fire


def next_fires(schedule: Schedule, after: datetime, count: int) -> tuple[datetime, ...]:
    """Up to `count` fire times after `after`, ascending."""
    fires: list[datetime] = []
    while len(fires) < count and (fire := next_fire(schedule, fires[-1] if fires else after)) is not None:
        fires.append(fire)
    return tuple(fires)


def latest_fire(schedule: Schedule, after: datetime, until: datetime) -> datetime | None:
    """The last fire time in (`after`, `until`], None if there is none.

    Halves the span that is left with each step: a minute's task that was away for a year takes thirty steps.
    """
    fire = _fire_within(schedule, after, until)
    if fire is None:
        return None
    ceiling = until
    while (later := _fire_within(schedule, fire, until)) is not None:
        middle = later + (ceiling - later) / 2
        beyond = _fire_within(schedule, middle, until)
        fire, ceiling = (later, middle) if beyond is None else (beyond, ceiling)
    return fire


def _fire_within(schedule: Schedule, after: datetime, until: datetime) -> datetime | None:
    fire = next_fire(schedule, after)
    return fire if fire is not None and fire <= until else None


def _parse_interval(text: str) -> timedelta:
    low, high = MIN_INTERVAL // _MILLISECOND, MAX_INTERVAL // _MILLISECOND
    stripped = text.strip()
    if not re.fullmatch(r"[0-9]{1,20}", stripped) or not low <= int(stripped) <= high:
        raise InvalidInput(
            "schedule_value",
            f"{text[:40]!r} is no interval; allowed are whole milliseconds from {low} (1 second) to {high} (366 days)",
        )
    return timedelta(milliseconds=int(stripped))


def _parse_once(text: str, zone: ZoneInfo) -> OnceSchedule:
    match = _ONCE.fullmatch(text.strip())
    try:
        if match is None:
            raise ValueError
        given = datetime.fromisoformat(text.strip().upper())
    except ValueError:
        raise InvalidInput(
            "schedule_value",
            f"{text[:40]!r} is no point in time; allowed are 2026-12-24T18:00 or 2026-12-24T18:00:30 (in the task's "
            f"time zone), with Z or +01:00 behind it for another one",
        ) from None
    given = _whole_milliseconds(given)
    if given.tzinfo is not None:
        return OnceSchedule(fire_at=given.astimezone(UTC), zone=zone, wall=None)
    return OnceSchedule(fire_at=first_instant_of(given, zone), zone=zone, wall=given)


def _whole_milliseconds(instant: datetime) -> datetime:
    """The store keeps milliseconds: a finer fire time would lie after its own stored copy, and fire again."""
    return instant.replace(microsecond=instant.microsecond // 1000 * 1000)
