"""Cron expressions as people write them: five fields or a word such as `@daily`.

The dialect is that of cron-parser, which the host's agents were told to write for (original.md §14), without what it
accepts by accident: other numbers of fields, and steps that never come to a second value.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass

from intercomd.domain.schedules.cron import LAST, CronCalendar, MonthDays, WeekDays
from intercomd.errors import InvalidInput

MAX_LENGTH = 200
_LONGEST_MONTHS = {2: 29, 4: 30, 6: 30, 9: 30, 11: 30}

ALIASES = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Field:
    """One field of an expression: its values lie from `low` to `high`; `names` are theirs, from `low` on."""

    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()

    @property
    def allowed(self) -> str:
        words = f" or {self.names[0]}-{self.names[-1]}" if self.names else ""
        return f"allowed are {self.low}-{self.high}{words}, lists (1,3), ranges (1-5) and steps (*/2)"


_MINUTE = _Field(name="minute", low=0, high=59)
_HOUR = _Field(name="hour", low=0, high=23)
_MONTH_DAY = _Field(name="day of month", low=1, high=31)
_MONTH_NAMES = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_MONTH = _Field(name="month", low=1, high=12, names=_MONTH_NAMES)
_WEEK_DAY = _Field(name="day of week", low=0, high=7, names=("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"))

_VALUE = "[0-9]{1,2}|[A-Z]{3}"
_ITEM = re.compile(rf"(\*|(?P<first>{_VALUE})(-(?P<last>{_VALUE}))?)(/(?P<step>[0-9]{{1,3}}))?")
_NUMBERED_WEEK_DAY = re.compile(r"(?P<day>[0-7]|[A-Z]{3})(#(?P<number>[1-5])|L)")


def parse_cron(text: str, field: str) -> CronCalendar:
    """The calendar of a cron expression; raises `InvalidInput` (with `field`) that says what is allowed."""
    try:
        return _parse(text)
    except _Unfit as error:
        shown = text if len(text) <= MAX_LENGTH else text[:MAX_LENGTH] + "…"
        raise InvalidInput(field, f"{shown!r} is no cron expression: {error}") from None


class _Unfit(ValueError):
    """What is wrong with an expression, and what would be right."""


def _parse(text: str) -> CronCalendar:
    if len(text) > MAX_LENGTH:
        raise _Unfit(f"it is longer than {MAX_LENGTH} characters")
    fields = _expand_alias(text.strip()).upper().split()
    if len(fields) != 5:
        raise _Unfit(
            f"it has {len(fields)} field{'' if len(fields) == 1 else 's'}, not the 5 fields "
            f"minute, hour, day of month, month, day of week (0 9 * * 1-5 is every weekday at nine)"
        )
    minute, hour, month_day, month, week_day = fields
    calendar = CronCalendar(
        minutes=tuple(sorted(_parse_field(minute, _MINUTE))),
        hours=tuple(sorted(_parse_field(hour, _HOUR))),
        month_days=_parse_month_days(month_day),
        months=_parse_field(month, _MONTH),
        week_days=_parse_week_days(week_day),
    )
    _check_possible(calendar)
    return calendar


def _expand_alias(text: str) -> str:
    if not text.startswith("@"):
        return text
    try:
        return ALIASES[text.lower()]
    except KeyError:
        close = difflib.get_close_matches(text.lower(), ALIASES, n=1)
        hint = f"did you mean {close[0]}? " if close else ""
        raise _Unfit(f"{hint}allowed are {', '.join(ALIASES)}") from None


def _parse_month_days(text: str) -> MonthDays | None:
    if text in {"*", "?"}:
        return None
    days: set[int] = set()
    for item in text.split(","):
        days |= {LAST} if item == "L" else _parse_item(item, _MONTH_DAY)
    return MonthDays(days=frozenset(days))


def _parse_week_days(text: str) -> WeekDays | None:
    if text in {"*", "?"}:
        return None
    days: set[int] = set()
    numbered: set[tuple[int, int]] = set()
    for item in text.split(","):
        if match := _NUMBERED_WEEK_DAY.fullmatch(item):
            number = match["number"]
            numbered.add((_parse_value(match["day"], item, _WEEK_DAY) % 7, int(number) if number else LAST))
        else:
            days |= {day % 7 for day in _parse_item(item, _WEEK_DAY)}
    return WeekDays(days=frozenset(days), numbered=frozenset(numbered))


def _parse_field(text: str, field: _Field) -> frozenset[int]:
    return frozenset(value for item in text.split(",") for value in _parse_item(item, field))


def _parse_item(item: str, field: _Field) -> set[int]:
    """`*`, `5`, `1-5`, and each of them with a step; `5/15` begins at 5 and goes to the end of the field."""
    match = _ITEM.fullmatch(item)
    if match is None:
        raise _Unfit(f"{item!r} in the {field.name}; {field.allowed}")
    low = _parse_value(match["first"], item, field) if match["first"] else field.low
    high = _parse_value(match["last"], item, field) if match["last"] else field.high
    if match["first"] and not match["last"] and not match["step"]:
        high = low
    if high < low:
        raise _Unfit(f"{item!r} in the {field.name} runs backwards; write two ranges, such as 5-6,0-1")
    step = int(match["step"] or 1)
    if not 1 <= step <= field.high - field.low:
        raise _Unfit(
            f"a step of {step} in the {field.name} must be from 1 to {field.high - field.low}; "
            f"what repeats without regard to the clock is an interval"
        )
    return set(range(low, high + 1, step))


def _parse_value(text: str, item: str, field: _Field) -> int:
    if text in field.names:
        return field.low + field.names.index(text)
    if not text.isdigit() or not field.low <= int(text) <= field.high:
        raise _Unfit(f"{item!r} in the {field.name}; {field.allowed}")
    return int(text)


def _check_possible(calendar: CronCalendar) -> None:
    """Refuse days that no given month has. With a day of week beside it, a day of month need not exist."""
    if calendar.month_days is None or calendar.week_days is not None:
        return
    longest = max(_LONGEST_MONTHS.get(month, 31) for month in calendar.months)
    if min(calendar.month_days.days) > longest:
        raise _Unfit(f"it never fires: the longest month it names has {longest} days; L is the last day of a month")
