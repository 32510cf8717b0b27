"""Time zones: their names, and the way from a wall time to an instant."""

from __future__ import annotations

import difflib
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from intercomd.errors import InvalidInput

_MACHINE_DEPENDENT = frozenset({"localtime", "posixrules", "Factory"})
_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)


def parse_zone(name: str, field: str = "timezone") -> ZoneInfo:
    """The IANA zone of this name; raises `InvalidInput` with the nearest names. Nothing falls back to UTC."""
    if name not in _zone_names():
        raise InvalidInput(field, f"{name!r} is no IANA time zone; {_hint(name)}")
    return ZoneInfo(name)


def offset_at(zone: ZoneInfo, instant: datetime) -> timedelta:
    """What the zone's clock is ahead of UTC at `instant`."""
    offset = instant.astimezone(zone).utcoffset()
    assert offset is not None  # a ZoneInfo knows its offset at every instant
    return offset


def wall_at(zone: ZoneInfo, instant: datetime) -> datetime:
    """What the zone's clock shows at `instant`, without a zone."""
    return instant.astimezone(zone).replace(tzinfo=None, fold=0)


def first_instant_of(wall: datetime, zone: ZoneInfo) -> datetime:
    """When the zone's clock shows `wall` for the first time; the end of the gap if it never does."""
    first = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if wall_at(zone, first) == wall:
        return first
    # Inside a gap, fold=0 reckons with the offset before and so lands behind the change; fold=1 lands before it.
    before = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    return first_change(zone, before, first) or first


def first_change(zone: ZoneInfo, after: datetime, until: datetime) -> datetime | None:
    """The first instant in (`after`, `until`] at which the zone's offset becomes another.

    Looks once a day: two changes within one day that cancel each other would be missed; no zone has had that.
    """
    offset = offset_at(zone, after)
    low = after
    while low < until:
        high = min(low + _DAY, until)
        if offset_at(zone, high) != offset:
            return _bisect_change(zone, low, high)
        low = high
    return None


def _bisect_change(zone: ZoneInfo, low: datetime, high: datetime) -> datetime:
    """The change between `low` and `high`, which lie on either side of it. Changes happen at whole seconds."""
    offset = offset_at(zone, low)
    low = low.replace(microsecond=0)
    high = high.replace(microsecond=0)
    while high - low > _SECOND:
        middle = low + (high - low) // _SECOND // 2 * _SECOND
        if offset_at(zone, middle) == offset:
            low = middle
        else:
            high = middle
    return high


@cache
def _zone_names() -> frozenset[str]:
    """Read from the disk once: it takes as long as a thousand fire times."""
    return frozenset(available_timezones()) - _MACHINE_DEPENDENT


def _hint(name: str) -> str:
    """People know the city, and forget capitals and underscores."""
    wanted = name.strip().replace(" ", "_").lower()
    by_lowered = {known.lower(): known for known in sorted(_zone_names(), reverse=True)}
    by_city = {lowered.rpartition("/")[2]: known for lowered, known in by_lowered.items()}
    for names in (by_lowered, by_city):
        close = difflib.get_close_matches(wanted, names, n=1, cutoff=0.75)
        if close:
            return f"did you mean {names[close[0]]}?"
    return "for example Europe/Vienna or UTC"
