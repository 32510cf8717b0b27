"""What people may write as a schedule, and what they are told when it is none."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intercomd.domain.schedules.cron import CronCalendar
from intercomd.domain.schedules.cron_parsing import ALIASES, parse_cron
from intercomd.domain.schedules.schedule import IntervalSchedule, OnceSchedule, next_fire, next_fires, parse_schedule
from intercomd.domain.schedules.zones import parse_zone
from intercomd.errors import InvalidInput

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)  # a Sunday


def fires(expression: str, count: int, after: datetime = NOW) -> list[str]:
    """The next fire times in UTC, as `Mon 2026-11-23 09:00`."""
    schedule = parse_schedule("cron", expression, "UTC", anchor=NOW)
    return [f"{fire:%a %Y-%m-%d %H:%M}" for fire in next_fires(schedule, after, count)]


def test_five_field_cron_fires_again_and_again() -> None:
    """Every weekday at nine is every weekday at nine, not once (B-72)."""
    assert fires("0 9 * * 1-5", 6) == [
        "Mon 2026-11-23 09:00",
        "Tue 2026-11-24 09:00",
        "Wed 2026-11-25 09:00",
        "Thu 2026-11-26 09:00",
        "Fri 2026-11-27 09:00",
        "Mon 2026-11-30 09:00",
    ]


@pytest.mark.parametrize(
    ("field", "days"),
    [
        ("0", "Sun"),
        ("7", "Sun"),
        ("1", "Mon"),
        ("sun", "Sun"),
        ("MON", "Mon"),
        ("5-7", "Fri Sat Sun"),
        ("0-7", "Mon Tue Wed Thu Fri Sat Sun"),
        ("fri,Tue", "Tue Fri"),
        ("mon-wed", "Mon Tue Wed"),
        ("1-5/2", "Mon Wed Fri"),
        ("*/2", "Tue Thu Sat Sun"),
        ("4/2", "Thu Sat"),
    ],
)
def test_day_of_week_counts_from_sunday_at_0_and_at_7(field: str, days: str) -> None:
    """Monday is 1, as people and cron-parser have it, and a stored 1 stays a Monday (B-73)."""
    week = fires(f"0 9 * * {field}", len(days.split()), after=NOW)
    assert " ".join(fire[:3] for fire in week) == days


def test_day_fields_are_joined_by_or_when_both_are_restricted() -> None:
    """The first of the month, and every Friday too (B-73)."""
    assert fires("0 9 1 * 5", 3) == ["Fri 2026-11-27 09:00", "Tue 2026-12-01 09:00", "Fri 2026-12-04 09:00"]


@pytest.mark.parametrize("open_field", ["*", "?"])
def test_one_open_day_field_leaves_the_other_alone(open_field: str) -> None:
    """Only `*` and `?` are open; `*/2` restricts, so that Monday the 30th comes in by its day of week (B-73)."""
    assert fires(f"0 9 1 * {open_field}", 2) == ["Tue 2026-12-01 09:00", "Fri 2027-01-01 09:00"]
    assert fires(f"0 9 {open_field} * 5", 2) == ["Fri 2026-11-27 09:00", "Fri 2026-12-04 09:00"]
    assert fires("0 9 */2 * 1", 4, after=datetime(2026, 11, 27, 12, tzinfo=UTC)) == [
        "Sun 2026-11-29 09:00",
        "Mon 2026-11-30 09:00",
        "Tue 2026-12-01 09:00",
        "Thu 2026-12-03 09:00",
    ]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("5/20 9 * * *", ["Mon 2026-11-23 09:05", "Mon 2026-11-23 09:25", "Mon 2026-11-23 09:45"]),
        ("5-5/10 9 * * *", ["Mon 2026-11-23 09:05", "Tue 2026-11-24 09:05"]),
        ("0,30 9-10 * * *", ["Mon 2026-11-23 09:00", "Mon 2026-11-23 09:30", "Mon 2026-11-23 10:00"]),
        ("0 0 29 feb *", ["Tue 2028-02-29 00:00", "Sun 2032-02-29 00:00"]),
        ("0 0 L * *", ["Mon 2026-11-30 00:00", "Thu 2026-12-31 00:00"]),
        ("0 0 1,L * *", ["Mon 2026-11-30 00:00", "Tue 2026-12-01 00:00", "Thu 2026-12-31 00:00"]),
        ("0 0 * * mon#1", ["Mon 2026-12-07 00:00", "Mon 2027-01-04 00:00"]),
        ("0 0 * * 5L", ["Fri 2026-11-27 00:00", "Fri 2026-12-25 00:00"]),
        ("0 0 * 2 7#5", ["Sun 2032-02-29 00:00", "Sun 2060-02-29 00:00"]),
        ("0 0 31 2 1", ["Mon 2027-02-01 00:00", "Mon 2027-02-08 00:00"]),
        ("  0   9 *\t* 1 ", ["Mon 2026-11-23 09:00", "Mon 2026-11-30 09:00"]),
    ],
)
def test_cron_expressions_mean_what_people_mean(expression: str, expected: list[str]) -> None:
    """Steps, lists, names, last and numbered days, days that are years away."""
    assert fires(expression, len(expected)) == expected


@pytest.mark.parametrize(
    ("alias", "first"),
    [
        ("@yearly", "Fri 2027-01-01 00:00"),
        ("@annually", "Fri 2027-01-01 00:00"),
        ("@monthly", "Tue 2026-12-01 00:00"),
        ("@weekly", "Sun 2026-11-29 00:00"),
        ("@daily", "Mon 2026-11-23 00:00"),
        ("@Midnight", "Mon 2026-11-23 00:00"),
        ("@hourly", "Sun 2026-11-22 13:00"),
    ],
)
def test_words_stand_for_expressions(alias: str, first: str) -> None:
    """`@daily` and friends, in any case of letters."""
    assert fires(alias, 1) == [first]


@pytest.mark.parametrize(
    ("expression", "told"),
    [
        ("", "0 fields, not the 5 fields minute, hour, day of month, month, day of week"),
        ("9", "1 field, not the 5"),
        ("0 9 * *", "4 fields, not the 5"),
        ("0 9 * * 1 *", "6 fields, not the 5"),
        ("0 0 9 * * 1", "6 fields, not the 5"),
        ("0 0 9 * * 1 2026", "7 fields, not the 5"),
        ("0 0 30 2 *", "never fires: the longest month it names has 29 days"),
        ("0 0 31 2 *", "never fires"),
        ("0 0 31 4,6,9,11 *", "never fires: the longest month it names has 30 days"),
        ("0 0 30-31 FEB ?", "never fires"),
        ("60 * * * *", "'60' in the minute; allowed are 0-59"),
        ("* 24 * * *", "'24' in the hour; allowed are 0-23"),
        ("0 0 0 * *", "'0' in the day of month; allowed are 1-31"),
        ("0 0 32 * *", "allowed are 1-31"),
        ("0 0 * 13 *", "'13' in the month; allowed are 1-12 or JAN-DEC"),
        ("0 0 * * 8", "'8' in the day of week; allowed are 0-7 or SUN-SAT"),
        ("0 0 * MON *", "'MON' in the month"),
        ("0 0 * * MONDAY", "'MONDAY' in the day of week"),
        ("0 0 * * FRI-MON", "runs backwards"),
        ("30-10 * * * *", "runs backwards"),
        ("*/90 * * * *", "a step of 90 in the minute must be from 1 to 59; what repeats without regard"),
        ("*/0 * * * *", "a step of 0"),
        ("0 */24 * * *", "a step of 24 in the hour must be from 1 to 23"),
        ("1,,2 * * * *", "'' in the minute"),
        ("-5 * * * *", "'-5' in the minute"),
        ("*-5 * * * *", "'*-5' in the minute"),
        ("1-2-3 * * * *", "'1-2-3' in the minute"),
        ("*/ * * * *", "'*/' in the minute"),
        ("1.5 * * * *", "'1.5' in the minute"),
        ("٣ * * * *", "in the minute"),
        ("? * * * *", "'?' in the minute"),
        ("0 0 L-2 * *", "'L-2' in the day of month"),
        ("0 0 * * MON#6", "'MON#6' in the day of week"),
        ("0 0 * * XYZ#1", "'XYZ#1' in the day of week"),
        ("@dayly", "did you mean @daily? allowed are @yearly"),
        ("@reboot", "allowed are @yearly"),
        ("9" * 5000, "longer than 200 characters"),
    ],
)
def test_cron_is_refused_with_what_is_allowed(expression: str, told: str) -> None:
    """Wrong numbers of fields, days that no month has, and all else, when the task is saved (B-72, B-73)."""
    with pytest.raises(InvalidInput) as refusal:
        parse_schedule("cron", expression, "UTC", anchor=NOW)
    assert refusal.value.field == "schedule_value"
    assert told in str(refusal.value)
    assert len(str(refusal.value)) < 500


@given(st.text(alphabet="0123456789*/-,?L#@ MONJAdaily\t\n٣", max_size=30) | st.text())
def test_any_text_is_a_calendar_or_refused(text: str) -> None:
    """No text makes the parser fail in another way, and what it accepts has a fire time."""
    try:
        calendar = parse_cron(text, "schedule_value")
    except InvalidInput:
        return
    assert isinstance(calendar, CronCalendar)
    assert calendar.first_from(datetime(2026, 1, 1)) >= datetime(2026, 1, 1)  # noqa: DTZ001 - a wall time


def test_aliases_are_expressions_themselves() -> None:
    """A word can be replaced by what it stands for."""
    for alias, expression in ALIASES.items():
        assert parse_cron(alias, "schedule_value") == parse_cron(expression, "schedule_value")


@pytest.mark.parametrize(("text", "every"), [("1000", 1), (" 60000 ", 60), ("31622400000", 366 * 24 * 3600)])
def test_interval_is_read_as_milliseconds(text: str, every: int) -> None:
    """From one second to 366 days, both allowed."""
    schedule = parse_schedule("interval", text, "UTC", anchor=NOW)
    assert isinstance(schedule, IntervalSchedule)
    assert schedule.every == timedelta(seconds=every)


@pytest.mark.parametrize(
    "text", ["0", "999", "-1000", "31622400001", str(2**63 - 1), "9" * 5000, "", "1e6", "1000.5", "1_000", "٣٣٣٣"]
)
def test_interval_is_refused_beyond_its_bounds(text: str) -> None:
    """Zero would run for ever, and 2^63 leave the calendar (B-75)."""
    with pytest.raises(InvalidInput, match=r"schedule_value: .* from 1000 \(1 second\) to 31622400000 \(366 days\)"):
        parse_schedule("interval", text, "UTC", anchor=NOW)


@pytest.mark.parametrize(
    ("text", "fire"),
    [
        ("2026-12-24T18:00", "2026-12-24T17:00:00+00:00"),
        ("2026-12-24 18:00:30", "2026-12-24T17:00:30+00:00"),
        ("2026-07-01T18:00:00", "2026-07-01T16:00:00+00:00"),
        ("2026-12-24T18:00:00Z", "2026-12-24T18:00:00+00:00"),
        ("2026-12-24t18:00z", "2026-12-24T18:00:00+00:00"),
        ("2026-12-24T18:00:00.123+05:30", "2026-12-24T12:30:00.123000+00:00"),
        ("2026-12-24T18:00:00.123999999", "2026-12-24T17:00:00.123000+00:00"),
    ],
)
def test_once_is_local_unless_it_has_an_offset(text: str, fire: str) -> None:
    """A time without zone is in the task's zone, here Vienna; to the millisecond, as the store keeps it."""
    schedule = parse_schedule("once", text, "Europe/Vienna", anchor=NOW)
    assert isinstance(schedule, OnceSchedule)
    assert schedule.fire_at.isoformat() == fire


def test_once_that_is_past_has_no_next_fire() -> None:
    """It is a schedule all the same: the caller decides whether to refuse it."""
    schedule = parse_schedule("once", "2026-11-22T12:00Z", "UTC", anchor=NOW)
    assert next_fire(schedule, NOW - timedelta(milliseconds=1)) == NOW
    assert next_fire(schedule, NOW) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "tomorrow",
        "18:00",
        "2026-12-24",
        "20261224T1800",
        "2026-W52-4T18:00",
        "2026-02-30T10:00",
        "2026-12-24T24:00",
        "2026-12-24T18:00 CET",
        "2026-12-24T18:00+25:00",
        "0001-01-01T00:00",
        "9999-12-31T23:59",
        "1798131600000",
    ],
)
def test_once_is_refused_when_it_is_no_point_in_time(text: str) -> None:
    """Half a date, a day that does not exist, years at the ends of the calendar, zones by letters."""
    with pytest.raises(InvalidInput, match=r"schedule_value: .* allowed are 2026-12-24T18:00"):
        parse_schedule("once", text, "Europe/Vienna", anchor=NOW)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("Europe/Wien", "did you mean Europe/Vienna?"),
        ("europe/vienna", "did you mean Europe/Vienna?"),
        ("Vienna", "did you mean Europe/Vienna?"),
        ("new york", "did you mean America/New_York?"),
        ("utc", "did you mean UTC?"),
        ("", "for example Europe/Vienna"),
        ("Mars/Olympus", "for example Europe/Vienna"),
        ("../../etc/passwd", "for example Europe/Vienna"),
        ("/etc/localtime", "for example Europe/Vienna"),
        ("localtime", "for example Europe/Vienna"),
        ("Europe", "no IANA time zone"),
        ("Europe/Vienna\x00", "no IANA time zone"),
    ],
)
def test_unknown_zone_is_refused_with_the_nearest_name(name: str, hint: str) -> None:
    """Never UTC in silence, and never a file of this machine."""
    with pytest.raises(InvalidInput, match="no IANA time zone") as refusal:
        parse_schedule("cron", "@daily", name, anchor=NOW)
    assert refusal.value.field == "timezone"
    assert hint in str(refusal.value)


def test_parse_zone_names_the_field_it_was_given() -> None:
    """Settings and tasks share the rule."""
    assert parse_zone("Asia/Kolkata").key == "Asia/Kolkata"
    with pytest.raises(InvalidInput, match=r"scheduler\.timezone"):
        parse_zone("Indien", "scheduler.timezone")


@pytest.mark.parametrize("kind", ["", "CRON", "daily", "weekly"])
def test_unknown_schedule_type_is_refused(kind: str) -> None:
    """The three kinds are named."""
    with pytest.raises(InvalidInput, match=r"schedule_type: .* allowed are cron, interval, once"):
        parse_schedule(kind, "0 9 * * *", "UTC", anchor=NOW)
