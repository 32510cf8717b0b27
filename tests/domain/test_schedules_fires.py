"""Fire times: once a day on the days when the clock is set, strictly onward, without drift."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intercomd.domain.schedules.schedule import (
    OnceSchedule,
    Schedule,
    ScheduleBroken,
    latest_fire,
    next_fire,
    next_fires,
    parse_schedule,
)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
ZONES = ["UTC", "Europe/Vienna", "America/New_York", "Australia/Lord_Howe", "America/Havana", "Antarctica/Troll"]
EXPRESSIONS = [
    "* * * * *",
    "*/15 * * * *",
    "30 * * * *",
    "30 2 * * *",
    "0 0 * * *",
    "*/20 1-3 * * *",
    "0 */6 * * *",
    "0 9 * * 1-5",
    "59 23 L * *",
    "0 0 29 2 *",
    "15 2 1-7,25-31 3,10 0",
]



def cron(expression: str, zone: str) -> Schedule:
    return parse_schedule("cron", expression, zone, anchor=EPOCH)


def interval(ms: int, anchor: datetime) -> Schedule:
    return parse_schedule("interval", str(ms), "UTC", anchor=anchor)


intervals_ms = st.integers(min_value=1000, max_value=366 * 24 * 3600 * 1000)
instants = st.integers(min_value=0, max_value=13 * 366 * 24 * 3600 * 10**6).map(
    lambda microseconds: datetime(2024, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)
)
schedules = st.builds(cron, st.sampled_from(EXPRESSIONS), st.sampled_from(ZONES)) | st.builds(
    interval, intervals_ms, instants
)


def local_fires(expression: str, zone: str, start: str, count: int) -> list[str]:
    """The fire times after the instant `start`, as the zone's clock shows them, with its offset."""
    fires = next_fires(cron(expression, zone), datetime.fromisoformat(start), count)
    return [f"{fire.astimezone(ZoneInfo(zone)):%d. %H:%M %z}" for fire in fires]


@pytest.mark.parametrize(
    ("zone", "day"),
    [
        ("Europe/Vienna", "2026-03-29"),
        ("Europe/Vienna", "2026-10-25"),
        ("America/New_York", "2026-03-08"),
        ("America/New_York", "2026-11-01"),
        ("Australia/Lord_Howe", "2026-10-04"),
        ("Australia/Lord_Howe", "2026-04-05"),
        ("America/Santiago", "2026-09-06"),
        ("America/Santiago", "2026-04-04"),
        ("America/Havana", "2026-03-08"),
        ("America/Havana", "2026-11-01"),
        ("Antarctica/Troll", "2026-03-29"),
        ("Antarctica/Troll", "2026-10-25"),
    ],
)
def test_daily_task_fires_exactly_once_when_the_clock_is_set(zone: str, day: str) -> None:
    """Whatever its time of day, also one that does not exist or comes twice: three days, three fires (B-82)."""
    noon = datetime.fromisoformat(f"{day}T12:00").replace(tzinfo=ZoneInfo(zone))
    for minute in range(0, 24 * 60, 5):
        schedule = cron(f"{minute % 60} {minute // 60} * * *", zone)
        start, end = (noon + days * DAY - timedelta(minutes=1) for days in (-2, 1))
        fires = [fire.astimezone(ZoneInfo(zone)) for fire in next_fires(schedule, start, 5) if fire <= end]
        dates = [fire.date() for fire in fires]
        assert len(dates) == 3, f"{minute // 60:02}:{minute % 60:02} fired at {fires}"
        assert len(set(dates)) == 3, f"{minute // 60:02}:{minute % 60:02} fired at {fires}"


def test_wall_times_in_a_gap_fire_together_at_its_end() -> None:
    """02:00, 02:15, 02:30, 02:45 do not exist: 03:00 fires for all of them, and for itself."""
    assert local_fires("*/15 2,3 * * *", "Europe/Vienna", "2026-03-28T12:00Z", 5) == [
        "29. 03:00 +0200",
        "29. 03:15 +0200",
        "29. 03:30 +0200",
        "29. 03:45 +0200",
        "30. 02:00 +0200",
    ]


def test_wall_times_in_a_fold_fire_at_their_first_occurrence() -> None:
    """Also for a task of several times within the hour, as long as it names its hours."""
    assert local_fires("*/30 2 * * *", "Europe/Vienna", "2026-10-24T12:00Z", 3) == [
        "25. 02:00 +0200",
        "25. 02:30 +0200",
        "26. 02:00 +0100",
    ]


def test_wall_times_do_not_come_again_when_asked_for_in_the_second_pass() -> None:
    """At 02:10 for the second time, the 02:30 of the day has been: cronsim gives an instant forty minutes ago here."""
    assert local_fires("30 2 * * *", "Europe/Vienna", "2026-10-25T01:10Z", 1) == ["26. 02:30 +0100"]


def test_task_of_every_hour_keeps_its_rhythm_through_gap_and_fold() -> None:
    """One hour apart on every day of the year; nothing is made up, nothing left out."""
    assert local_fires("30 * * * *", "Europe/Vienna", "2026-03-29T00:00Z", 3) == [
        "29. 01:30 +0100",
        "29. 03:30 +0200",
        "29. 04:30 +0200",
    ]
    assert local_fires("30 * * * *", "Europe/Vienna", "2026-10-25T00:00Z", 3) == [
        "25. 02:30 +0200",
        "25. 02:30 +0100",
        "25. 03:30 +0100",
    ]


def test_task_of_some_hours_follows_the_wall_clock() -> None:
    """Every second hour: the missing 02:00 fires at 03:00, the doubled one once."""
    assert local_fires("0 */2 * * *", "Europe/Vienna", "2026-03-28T22:30Z", 3) == [
        "29. 00:00 +0100",
        "29. 03:00 +0200",
        "29. 04:00 +0200",
    ]
    assert local_fires("0 */2 * * *", "Europe/Vienna", "2026-10-24T23:00Z", 2) == ["25. 02:00 +0200", "25. 04:00 +0100"]


@pytest.mark.parametrize(
    ("text", "fire"),
    [
        ("2026-03-29T02:30:15", "2026-03-29T01:00:00+00:00"),
        ("2026-03-29T03:00", "2026-03-29T01:00:00+00:00"),
        ("2026-10-25T02:30:15", "2026-10-25T00:30:15+00:00"),
        ("2026-10-25T02:30:15+01:00", "2026-10-25T01:30:15+00:00"),
    ],
)
def test_once_follows_the_wall_clock_rules(text: str, fire: str) -> None:
    """The first instant after the gap, the first of two; who means the second one writes its offset."""
    schedule = parse_schedule("once", text, "Europe/Vienna", anchor=EPOCH)
    assert [fire.isoformat() for fire in next_fires(schedule, EPOCH, 3)] == [fire]


@given(schedules, instants)
def test_fires_are_strictly_increasing_and_whole(schedule: Schedule, after: datetime) -> None:
    """Each one later than the one before, in UTC, and not finer than the store keeps it: none fires twice (B-75)."""
    fires = next_fires(schedule, after, 5)
    assert len(fires) == 5
    for earlier, later in zip((after, *fires), fires, strict=False):
        assert later > earlier
    for fire in fires:
        assert fire.tzinfo is UTC
        assert fire.microsecond % 1000 == 0


@given(schedules, instants, st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=3)))
def test_next_fire_does_not_depend_on_when_it_is_asked_for(
    schedule: Schedule, after: datetime, later: timedelta
) -> None:
    """Asked at any instant before the next fire, the answer is that fire."""
    fire = next_fire(schedule, after)
    assert fire is not None
    again = next_fire(schedule, after + later)
    assert again is not None
    assert again == fire if after + later < fire else again > fire


@given(intervals_ms, instants, st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=4000)))
def test_interval_does_not_drift(ms: int, anchor: datetime, elapsed: timedelta) -> None:
    """However late the last run ended, fires lie at whole multiples of the interval from the anchor (B-82)."""
    schedule = interval(ms, anchor)
    after = anchor + elapsed
    fire = next_fire(schedule, after)
    assert fire is not None
    assert timedelta(0) < fire - after <= timedelta(milliseconds=ms)
    whole_anchor = anchor.replace(microsecond=anchor.microsecond // 1000 * 1000)
    assert (fire - whole_anchor) % timedelta(milliseconds=ms) == timedelta(0)


def test_interval_fires_first_one_interval_after_its_anchor() -> None:
    """Asked before the anchor too: a task that is made now does not fire now."""
    anchor = datetime(2026, 11, 22, 12, tzinfo=UTC)
    schedule = interval(3_600_000, anchor)
    for after in (anchor - 3 * DAY, anchor, anchor + timedelta(minutes=59)):
        assert next_fire(schedule, after) == anchor + timedelta(hours=1)


@given(
    schedules,
    instants,
    st.timedeltas(min_value=timedelta(0), max_value=timedelta(hours=12)),
)
def test_latest_fire_is_the_last_of_those_in_the_span(schedule: Schedule, after: datetime, span: timedelta) -> None:
    """Found by halving, it is what going through all of them finds."""
    last = None
    fire = next_fire(schedule, after)
    while fire is not None and fire <= after + span:
        last, fire = fire, next_fire(schedule, fire)
    assert latest_fire(schedule, after, after + span) == last


def test_latest_fire_is_found_in_few_steps_after_a_long_absence() -> None:
    """A task of every minute that was away for ten years: five million fire times are not gone through (B-82)."""
    asked = 0

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Counting(OnceSchedule):
        """Fires every minute and counts how often it is asked."""

        def next_after(self, after: datetime) -> datetime:
            nonlocal asked
            asked += 1
            return after.replace(second=0, microsecond=0) + timedelta(minutes=1)

    schedule = Counting(fire_at=EPOCH, zone=ZoneInfo("UTC"), wall=None)
    until = EPOCH + 3650 * DAY + timedelta(seconds=30)
    assert latest_fire(schedule, EPOCH, until) == until - timedelta(seconds=30)
    assert asked < 100


def test_next_fire_raises_when_a_schedule_does_not_go_on() -> None:
    """The guard: an instant that is not after the last one is an error, never a fire without end (B-75)."""

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Stuck(OnceSchedule):
        def next_after(self, after: datetime) -> datetime:
            return after

    with pytest.raises(ScheduleBroken, match="not after"):
        next_fire(Stuck(fire_at=EPOCH, zone=ZoneInfo("UTC"), wall=None), EPOCH)
