"""Schedules in words, short enough for a line of a list; what has no short words stays as it was written."""

from __future__ import annotations

from datetime import timedelta

from intercomd.domain.schedules.cron import LAST, CronCalendar
from intercomd.domain.schedules.cron_parsing import parse_cron
from intercomd.domain.schedules.schedule import ScheduleKind
from intercomd.errors import InvalidInput

_MOST_TIMES = 4
_DAY_NAMES = ("Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat")
_SETS = {frozenset({1, 2, 3, 4, 5}): "weekdays", frozenset({0, 6}): "weekends", frozenset(range(7)): "daily"}
_UNITS = ((86_400_000, "d"), (3_600_000, "h"), (60_000, "min"))


def schedule_in_words(kind: str, value: str) -> str:
    """`weekdays at 09:00`, `every 15 minutes`, `every 2 h 30 min`, `once at 2026-12-24 18:00`, `cron 0 9 1-7 * 1`.

    Takes anything that may stand in a task's row, also what no rule would let in today.
    """
    match kind:
        case ScheduleKind.CRON:
            return _cron(value) or f"cron {' '.join(value.split())}"
        case ScheduleKind.INTERVAL if value.isdecimal():
            return f"every {_span(int(value))}"
        case ScheduleKind.ONCE:
            return f"once at {value.replace('T', ' ')}"
        case _:
            return f"{kind} {value}"


def _cron(text: str) -> str | None:
    try:
        calendar = parse_cron(text, "schedule_value")
    except InvalidInput:
        return None
    days, times = _days(calendar), _times(calendar)
    if days is None or times is None:
        return None
    if not calendar.is_every_hour:
        return f"{days} at {times}"
    return times if days == "daily" else f"{times}, {days}"


def _days(calendar: CronCalendar) -> str | None:
    week_days, month_days = calendar.week_days, calendar.month_days
    if len(calendar.months) < 12 or (week_days and (month_days or week_days.numbered)):
        return None
    if week_days:
        monday_first = sorted(week_days.days, key=lambda day: (day + 6) % 7)
        return _SETS.get(week_days.days) or ", ".join(_DAY_NAMES[day] for day in monday_first)
    if month_days is None:
        return "daily"
    if LAST in month_days.days:
        return "monthly on the last day" if len(month_days.days) == 1 else None
    return f"monthly on day {', '.join(map(str, sorted(month_days.days)))}"


def _times(calendar: CronCalendar) -> str | None:
    hours, minutes = calendar.hours, calendar.minutes
    if not calendar.is_every_hour:
        if len(hours) * len(minutes) > _MOST_TIMES:
            return None
        return ", ".join(f"{hour:02}:{minute:02}" for hour in hours for minute in minutes)
    if len(minutes) == 1:
        return f"every hour at :{minutes[0]:02}"
    step = minutes[1] - minutes[0]
    if minutes != tuple(range(0, 60, step)) or 60 % step:
        return None
    return "every minute" if step == 1 else f"every {step} minutes"


def _span(milliseconds: int) -> str:
    """Whole days, hours and minutes, and seconds with what is left."""
    parts = []
    for size, unit in _UNITS:
        count, milliseconds = divmod(milliseconds, size)
        if count:
            parts.append(f"{count} {unit}")
    if milliseconds or not parts:
        parts.append(f"{timedelta(milliseconds=milliseconds).total_seconds():g} s")
    return " ".join(parts)
