"""What people see before they save a task."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from intercomd.domain.schedules.preview import preview
from intercomd.domain.schedules.schedule import parse_schedule

SPRING = datetime(2026, 3, 27, 12, tzinfo=UTC)
AUTUMN = datetime(2026, 10, 23, 12, tzinfo=UTC)


def warnings(kind: str, value: str, after: datetime, zone: str = "Europe/Vienna") -> dict[str, str]:
    """The local fire times that have a warning, with it."""
    schedule = parse_schedule(kind, value, zone, anchor=after)
    return {f"{shown.local:%d. %H:%M %z}": shown.warning for shown in preview(schedule, after) if shown.warning}


def test_preview_shows_ten_fires_in_utc_and_local_time() -> None:
    """Ten, ascending, each as the instant and as the clock in the task's zone shows it."""
    shown = preview(parse_schedule("cron", "0 9 * * *", "Europe/Vienna", anchor=SPRING), SPRING)
    assert len(shown) == 10
    assert [f"{fire.fire_at:%d. %H:%M %z}" for fire in shown[:2]] == ["28. 08:00 +0000", "29. 07:00 +0000"]
    assert {f"{fire.local:%H:%M}" for fire in shown} == {"09:00"}
    assert {fire.warning for fire in shown} == {None}


def test_preview_warns_of_a_time_that_does_not_exist() -> None:
    """On the one fire that is moved, with the time that was meant."""
    assert warnings("cron", "30 2 * * *", SPRING) == {
        "29. 03:00 +0200": "02:30 does not exist on 2026-03-29, when the clock goes forward; "
        "fires at 03:00, the first instant after the gap"
    }


def test_preview_warns_of_a_time_that_comes_twice() -> None:
    """On the first occurrence, the only one that fires."""
    assert warnings("cron", "30 2 * * *", AUTUMN) == {
        "25. 02:30 +0200": "02:30 comes twice on 2026-10-25, when the clock goes back; fires the first time only"
    }


@pytest.mark.parametrize("expression", ["0 3 * * *", "59 1 * * *", "0 12 * * *"])
def test_preview_is_silent_beside_gap_and_fold(expression: str) -> None:
    """The first time after the gap and the last before it exist once, as on any day."""
    assert warnings("cron", expression, SPRING) == {}
    assert warnings("cron", expression, AUTUMN) == {}


def test_preview_tells_what_a_task_of_every_hour_does() -> None:
    """No fire in place of the missing one; two where the time comes twice."""
    assert warnings("cron", "30 * * * *", SPRING + timedelta(hours=36)) == {
        "29. 03:30 +0200": "02:30 does not exist on 2026-03-29, when the clock goes forward; "
        "a task of every hour has no fire in its place"
    }
    assert warnings("cron", "30 * * * *", AUTUMN + timedelta(hours=30)) == {
        "25. 02:30 +0100": "02:30 comes a second time on 2026-10-25; a task of every hour fires both times"
    }


def test_preview_of_every_hour_warns_only_of_minutes_in_the_gap() -> None:
    """Lord Howe Island's gap goes from 02:00 to 02:30: 02:45 is not touched, 02:15 is."""
    spring = datetime(2026, 10, 3, 12, tzinfo=UTC)
    assert warnings("cron", "45 * * * *", spring, "Australia/Lord_Howe") == {}
    assert list(warnings("cron", "15 * * * *", spring, "Australia/Lord_Howe")) == ["04. 03:15 +1100"]


def test_preview_of_once_warns_of_gap_and_fold_unless_it_has_an_offset() -> None:
    """With an offset there is nothing to choose."""
    assert list(warnings("once", "2026-03-29T02:30", SPRING)) == ["29. 03:00 +0200"]
    assert list(warnings("once", "2026-10-25T02:30", AUTUMN)) == ["25. 02:30 +0200"]
    assert warnings("once", "2026-10-25T02:30+01:00", AUTUMN) == {}
    assert warnings("once", "2026-10-25T04:30", AUTUMN) == {}


def test_preview_of_an_interval_has_no_warnings() -> None:
    """It follows elapsed time."""
    assert warnings("interval", "3600000", SPRING + timedelta(hours=36)) == {}


def test_preview_is_empty_when_a_once_is_past() -> None:
    """Whoever saves the task sees that nothing will happen."""
    assert preview(parse_schedule("once", "2026-01-01T00:00", "UTC", anchor=SPRING), SPRING) == ()
