"""Our fire times against an oracle that walks through time minute by minute and knows nothing of how we compute.

The oracle reads the clock of a zone at every minute. It sees a gap as a leap of the wall time and a fold as a wall
time that is not later than all before it. What an expression means comes from the generator that wrote it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import NamedTuple
from zoneinfo import ZoneInfo, available_timezones

import pytest

from intercomd.domain.schedules.schedule import Schedule, next_fire, parse_schedule

SEED = 20261122
_MINUTE = timedelta(minutes=1)
_THREE_DAYS = timedelta(days=3)


@dataclass(frozen=True, kw_only=True)
class Wish:
    """An expression and what it is meant to say; None for a day field that was left open."""

    text: str
    minutes: frozenset[int]
    hours: frozenset[int]
    month_days: frozenset[int] | None
    months: frozenset[int]
    week_days: frozenset[int] | None

    @property
    def is_every_hour(self) -> bool:
        return self.hours == frozenset(range(24))

    def wants(self, wall: datetime) -> bool:
        if wall.minute not in self.minutes or wall.hour not in self.hours or wall.month not in self.months:
            return False
        in_month = None if self.month_days is None else wall.day in self.month_days
        in_week = None if self.week_days is None else wall.isoweekday() % 7 in self.week_days
        given = [answer for answer in (in_month, in_week) if answer is not None]
        return any(given) if given else True


class Moment(NamedTuple):
    """A minute of the walk: the instant (seconds since 1970), what the clock shows, whether for the first time, and
    the minutes that it left out just before."""

    second: int
    wall: datetime
    is_first_pass: bool
    left_out: tuple[datetime, ...]


def walk(zone: ZoneInfo, start: datetime, end: datetime) -> list[Moment]:
    """Every whole minute that the zone's clock shows from `start` to `end`, and the end of every gap."""
    moments = []
    second, last = int(start.timestamp()), int(end.timestamp())
    offset, highest = _offset(zone, second), datetime.min  # noqa: DTZ901 - wall times have no zone here
    while second <= last:
        left_out: tuple[datetime, ...] = ()
        shown = datetime.fromtimestamp(second, zone)
        if (now := shown.utcoffset()) != offset:
            while _offset(zone, second - 1) == now:
                second -= 1
            shown = datetime.fromtimestamp(second, zone)
            left_out = tuple(_minutes_between(highest, shown.replace(tzinfo=None)))
            offset = now
        wall = shown.replace(tzinfo=None, fold=0)
        if wall.second == 0 or left_out:
            moments.append(Moment(second, wall, wall > highest, left_out))
        if wall > highest:
            highest = wall
        second += 60 - wall.second
    return moments


def expected_fires(wish: Wish, moments: list[Moment]) -> list[datetime]:
    """The rules of docs/schedules.md, word by word."""
    fires = []
    is_every_hour = wish.is_every_hour
    for moment in moments:
        is_wanted = moment.wall.second == 0 and wish.wants(moment.wall)
        if is_every_hour:
            is_due = is_wanted
        else:
            is_due = (is_wanted and moment.is_first_pass) or any(wish.wants(wall) for wall in moment.left_out)
        if is_due:
            fires.append(datetime.fromtimestamp(moment.second, UTC))
    return fires


def check(wish: Wish, zone: ZoneInfo, moments: list[Moment], random: Random) -> None:
    """One fire after the other, and the next fire from instants in between, are those of the oracle."""
    start, end = (datetime.fromtimestamp(moments[index].second, UTC) for index in (0, -1))
    start -= timedelta(microseconds=1)
    schedule = parse_schedule("cron", wish.text, zone.key, anchor=start)
    expected = expected_fires(wish, moments)
    where = f"{wish.text!r} in {zone.key} from {start} (seed {SEED})"
    assert list(_fires_between(schedule, start, end)) == expected, where
    for _ in range(20):
        after = start + random.random() * (end - start)
        index = bisect_right(expected, after)
        fire = next_fire(schedule, after)
        assert fire is not None
        assert fire == expected[index] if index < len(expected) else fire > end, f"{where}, after {after}"


@dataclass(frozen=True, kw_only=True)
class Change:
    """An instant at which a zone's clock is set."""

    zone: str
    instant: datetime


KNOWN_CHANGES = [
    ("Europe/Vienna", "2026-03-29T01:00Z", "forward by an hour"),
    ("Europe/Vienna", "2026-10-25T01:00Z", "back by an hour"),
    ("Australia/Lord_Howe", "2026-10-03T15:30Z", "forward by half an hour"),
    ("Australia/Lord_Howe", "2026-04-04T15:00Z", "back by half an hour"),
    ("Antarctica/Troll", "2026-03-29T01:00Z", "forward by two hours"),
    ("America/Santiago", "2026-09-06T04:00Z", "midnight does not exist"),
    ("America/Havana", "2026-11-01T05:00Z", "back to midnight"),
    ("America/St_Johns", "2010-11-07T02:31Z", "back into the day before"),
    ("Pacific/Apia", "2011-12-30T10:00Z", "a day is left out"),
    ("Asia/Manila", "1844-12-30T16:00Z", "a day is left out, with seconds in the offset"),
    ("America/Juneau", "1867-10-19T00:33Z", "a day comes twice"),
    ("Africa/Monrovia", "1972-01-07T00:44:30Z", "seconds in the offset"),
]


@pytest.mark.parametrize(("zone", "at", "what"), KNOWN_CHANGES)
def test_fires_are_those_of_the_walk_around_known_changes(zone: str, at: str, what: str) -> None:
    """Gap and fold rules hold for every sort of change there is (B-82)."""
    random = Random(f"{SEED} {zone} {at}")
    moments = _walk_around(Change(zone=zone, instant=datetime.fromisoformat(at)))
    for _ in range(3):
        check(random_wish(random), ZoneInfo(zone), moments, random)


@pytest.mark.full
def test_fires_are_those_of_the_walk_around_every_distinct_change_of_all_zones() -> None:
    """Three days before and after each way in which any clock was or will be set, by offsets and time of day."""
    random = Random(SEED)
    changes = distinct_changes()
    assert len(changes) > 500
    for change in changes:
        moments = _walk_around(change)
        for _ in range(2):
            check(random_wish(random), ZoneInfo(change.zone), moments, random)


@pytest.mark.full
def test_fires_are_those_of_the_walk_in_random_weeks() -> None:
    """500 weeks of the years in which the tasks run, in any zone, with any expression."""
    random = Random(SEED)
    zones = all_zones()
    for _ in range(500):
        zone = ZoneInfo(random.choice(zones))
        start = datetime(2020, 1, 1, tzinfo=UTC) + timedelta(minutes=random.randrange(30 * 366 * 24 * 60))
        # The hours ahead of the week tell which wall times of its beginning were there before.
        moments = walk(zone, start - timedelta(hours=4), start + timedelta(days=7))
        check(random_wish(random), zone, moments[4 * 60 :], random)


def random_wish(random: Random) -> Wish:
    """Any expression; few of them fire every minute, since those find little and take long."""
    minute, minutes = _random_field(random, 0, 59, open_share=0.04)
    hour, hours = _random_field(random, 0, 23, open_share=0.4)
    month_day, month_days = _random_field(random, 1, 31, open_share=0.6)
    month, months = _random_field(random, 1, 12, open_share=0.9)
    week_day, week_days = _random_field(random, 0, 6, open_share=0.6)
    # A short month alone might never have the day.
    if max(months) < 3 and min(month_days) > 28:
        month, months = "*", frozenset(range(1, 13))
    return Wish(
        text=f"{minute} {hour} {month_day} {month} {week_day}",
        minutes=minutes,
        hours=hours,
        month_days=None if month_day == "*" else month_days,
        months=months,
        week_days=None if week_day == "*" else week_days,
    )


def _random_field(random: Random, low: int, high: int, *, open_share: float) -> tuple[str, frozenset[int]]:
    values = range(low, high + 1)
    if random.random() < open_share:
        return "*", frozenset(values)
    first, last = sorted(random.choices(values, k=2))
    step = random.randint(2, max(2, (high - low) // 2))
    listed = random.sample(values, k=random.randint(1, 3))
    return random.choice(
        [
            (str(first), frozenset({first})),
            (",".join(map(str, listed)), frozenset(listed)),
            (f"{first}-{last}", frozenset(range(first, last + 1))),
            (f"*/{step}", frozenset(values[::step])),
            (f"{first}-{last}/{step}", frozenset(range(first, last + 1, step))),
        ]
    )


def all_zones() -> list[str]:
    """Every IANA zone, without the files that stand for this machine."""
    return sorted(available_timezones() - {"localtime", "posixrules", "Factory"})


def distinct_changes() -> list[Change]:
    """One change for each pair of offsets and time of day, from 1900 on, of all zones."""
    found: dict[object, Change] = {}
    for name in all_zones():
        zone = ZoneInfo(name)
        second, last = (int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) for year in (1900, 2038))
        while second < last:
            weeks_later = second + 14 * 24 * 3600
            offset = _offset(zone, second)
            if _offset(zone, weeks_later) == offset:
                second = weeks_later
                continue
            low, second = second, weeks_later
            while second - low > 1:
                middle = (low + second) // 2
                low, second = (middle, second) if _offset(zone, middle) == offset else (low, middle)
            instant = datetime.fromtimestamp(second, UTC)
            pattern = (offset, _offset(zone, second), instant.astimezone(zone).time())
            found.setdefault(pattern, Change(zone=name, instant=instant))
    return list(found.values())


def _walk_around(change: Change) -> list[Moment]:
    return walk(ZoneInfo(change.zone), change.instant - _THREE_DAYS, change.instant + _THREE_DAYS)


def _fires_between(schedule: Schedule, start: datetime, end: datetime) -> Iterator[datetime]:
    fire = next_fire(schedule, start)
    while fire is not None and fire <= end:
        yield fire
        fire = next_fire(schedule, fire)


def _minutes_between(shown: datetime, end: datetime) -> Iterator[datetime]:
    """The whole minutes after `shown` and before `end`."""
    wall = shown.replace(second=0) + _MINUTE
    while wall < end:
        yield wall
        wall += _MINUTE


def _offset(zone: ZoneInfo, second: int) -> timedelta | None:
    return datetime.fromtimestamp(second, zone).utcoffset()
