"""Cron expressions as calendars of wall times: no zone, no clock changes."""

from __future__ import annotations

from bisect import bisect_left
from calendar import monthrange
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

_MINUTE = timedelta(minutes=1)
_DAY = timedelta(days=1)
LAST = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthDays:
    """Days of the month; `LAST` stands for the last one, whatever its number."""

    days: frozenset[int]

    def include(self, day: date) -> bool:
        return day.day in self.days or (LAST in self.days and _is_last(day, _DAY))


@dataclass(frozen=True, slots=True, kw_only=True)
class WeekDays:
    """Days of the week, 0 = Sunday; `numbered` has pairs of such a day and its number in the month (1 to 5, `LAST`)."""

    days: frozenset[int]
    numbered: frozenset[tuple[int, int]]

    def include(self, day: date) -> bool:
        weekday = day.isoweekday() % 7
        if weekday in self.days:
            return True
        if not self.numbered:
            return False
        if (weekday, (day.day + 6) // 7) in self.numbered:
            return True
        return (weekday, LAST) in self.numbered and _is_last(day, 7 * _DAY)


@dataclass(frozen=True, slots=True, kw_only=True)
class CronCalendar:
    """The wall times of a cron expression. Hours and minutes ascend; None for a day field means `*`.

    When both day fields are given, a day needs to be in one of them (cron-parser's and Vixie cron's rule).
    """

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    month_days: MonthDays | None
    months: frozenset[int]
    week_days: WeekDays | None

    @property
    def is_every_hour(self) -> bool:
        """Whether no hour of a day is left out; then the task follows the hours, not the wall clock."""
        return len(self.hours) == 24

    def first_from(self, wall: datetime) -> datetime:
        """The first wall time of this calendar that is not before `wall`."""
        if wall.second or wall.microsecond:
            wall = wall.replace(second=0, microsecond=0) + _MINUTE
        day = wall.date()
        if self._includes(day):
            for hour in self.hours[bisect_left(self.hours, wall.hour) :]:
                earliest = wall.minute if hour == wall.hour else 0
                index = bisect_left(self.minutes, earliest)
                if index < len(self.minutes):
                    return datetime.combine(day, time(hour, self.minutes[index]))
        return datetime.combine(self._first_day_after(day), time(self.hours[0], self.minutes[0]))

    def _first_day_after(self, day: date) -> date:
        day += _DAY
        while not self._includes(day):
            # A fifth Monday of February is up to forty years away: months without a chance are leapt over.
            day = day + _DAY if day.month in self.months else (day.replace(day=1) + 31 * _DAY).replace(day=1)
        return day

    def _includes(self, day: date) -> bool:
        if day.month not in self.months:
            return False
        rules = [rule for rule in (self.month_days, self.week_days) if rule is not None]
        return not rules or any(rule.include(day) for rule in rules)


def _is_last(day: date, period: timedelta) -> bool:
    """Whether `period` later it is another month."""
    return day.day + period.days > monthrange(day.year, day.month)[1]
