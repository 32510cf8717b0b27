"""Missed fire times, and fire times that come while the task runs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intercomd.domain.schedules.misfires import (
    ON_TIME_WITHIN,
    FireVerdict,
    MisfirePolicy,
    Overlap,
    OverlapPolicy,
    PlannedFire,
    SkipReason,
    decide_overlap,
    plan_fires,
)
from intercomd.domain.schedules.schedule import latest_fire, next_fire, parse_schedule

NINE = datetime(2026, 11, 23, 9, tzinfo=UTC)
DAY = timedelta(days=1)
DAILY = parse_schedule("cron", "0 9 * * *", "UTC", anchor=NINE)


def rows(last_handled: datetime, now: datetime, policy: str) -> list[tuple[str, str, str, str | None]]:
    planned = plan_fires(DAILY, last_handled, now, MisfirePolicy(policy))
    return [(f"{row.fire_at:%d}", f"{row.through:%d}", row.verdict.value, row.reason) for row in planned]


@pytest.mark.parametrize("policy", ["run_once", "skip"])
def test_due_fire_runs_on_time_under_every_policy(policy: str) -> None:
    """Also when it is handled some seconds late: that is the poll, not a misfire."""
    for late in (timedelta(0), timedelta(seconds=10), ON_TIME_WITHIN):
        assert rows(NINE - DAY, NINE + late, policy) == [("23", "23", "on_time", None)]


@pytest.mark.parametrize("policy", ["run_once", "skip"])
def test_nothing_is_planned_before_the_fire_time(policy: str) -> None:
    """Neither a millisecond early, nor again when it has its row."""
    assert rows(NINE - DAY, NINE - timedelta(milliseconds=1), policy) == []
    assert rows(NINE, NINE, policy) == []
    assert rows(NINE, NINE + timedelta(seconds=30), policy) == []


def test_run_once_runs_the_latest_missed_fire_late_and_skips_those_before() -> None:
    """A machine asleep for days wakes up to one run of a task, and a row says what is not made up for (B-82)."""
    assert rows(NINE - DAY, NINE + 2 * DAY + timedelta(hours=3), "run_once") == [
        ("23", "24", "skipped", "superseded"),
        ("25", "25", "late", None),
    ]
    assert rows(NINE - DAY, NINE + timedelta(hours=3), "run_once") == [("23", "23", "late", None)]


def test_skip_runs_nothing_that_is_late() -> None:
    """All that was missed is one row; a fire time that is just due runs behind it (B-82)."""
    assert rows(NINE - DAY, NINE + 2 * DAY + timedelta(hours=3), "skip") == [("23", "25", "skipped", "missed")]
    assert rows(NINE - DAY, NINE + 2 * DAY, "skip") == [
        ("23", "24", "skipped", "missed"),
        ("25", "25", "on_time", None),
    ]


def test_resumed_task_fires_at_its_next_time_only() -> None:
    """Paused in spring, resumed in autumn: counted from the moment of resuming, nothing is missed (B-82)."""
    resumed = NINE + timedelta(hours=5)
    assert rows(resumed, resumed, "run_once") == []
    assert rows(resumed, NINE + DAY, "run_once") == [("24", "24", "on_time", None)]


@pytest.mark.parametrize("policy", ["run_once", "skip"])
def test_clock_that_goes_back_repeats_nothing(policy: str) -> None:
    """What has its row is behind `last_handled`, whatever the clock says."""
    assert rows(NINE, NINE - 3 * DAY, policy) == []


def test_missed_once_runs_late_or_is_skipped() -> None:
    """A single fire time has the same two ways."""
    once = parse_schedule("once", "2026-11-23T09:00Z", "UTC", anchor=NINE)
    (late,) = plan_fires(once, NINE - DAY, NINE + DAY, MisfirePolicy.RUN_ONCE)
    assert late == PlannedFire(fire_at=NINE, through=NINE, verdict=FireVerdict.LATE, reason=None)
    (skipped,) = plan_fires(once, NINE - DAY, NINE + DAY, MisfirePolicy.SKIP)
    assert (skipped.verdict, skipped.reason) == (FireVerdict.SKIPPED, SkipReason.MISSED)


@given(
    st.sampled_from(["* * * * *", "*/7 * * * *", "0 9 * * 1-5", "30 2 * * *", "0 0 1 * *"]),
    st.datetimes(min_value=datetime(2026, 1, 1), max_value=datetime(2027, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=400)),
    st.sampled_from(MisfirePolicy),
)
def test_rows_cover_every_fire_time_exactly_once(
    expression: str, last_handled: datetime, away: timedelta, policy: MisfirePolicy
) -> None:
    """From the first missed to the latest fire time without hole or overlap; at most the last row runs."""
    schedule = parse_schedule("cron", expression, "Europe/Vienna", anchor=last_handled)
    now = last_handled + away
    planned = plan_fires(schedule, last_handled, now, policy)
    covered = last_handled
    for row in planned:
        assert row.fire_at == next_fire(schedule, covered)
        assert row.through >= row.fire_at
        assert (row.reason is None) == (row.verdict is not FireVerdict.SKIPPED)
        assert (row.through == row.fire_at) or row.verdict is FireVerdict.SKIPPED
        covered = row.through
    assert latest_fire(schedule, covered, now) is None
    assert [row.verdict for row in planned[:-1]] == [FireVerdict.SKIPPED] * (len(planned) - 1)
    assert len(planned) <= 2


@pytest.mark.parametrize(
    ("policy", "is_running", "has_queued", "overlap", "reason"),
    [
        ("skip", False, False, Overlap.START, None),
        ("skip", True, False, Overlap.SKIP, SkipReason.STILL_RUNNING),
        ("queue_one", False, False, Overlap.START, None),
        ("queue_one", True, False, Overlap.QUEUE, None),
        ("queue_one", True, True, Overlap.SKIP, SkipReason.ONE_IS_QUEUED),
        ("queue_one", False, True, Overlap.SKIP, SkipReason.ONE_IS_QUEUED),
        ("skip", False, True, Overlap.SKIP, SkipReason.ONE_IS_QUEUED),
    ],
)
def test_task_never_runs_twice_at_a_time(
    policy: str, is_running: bool, has_queued: bool, overlap: Overlap, reason: SkipReason | None
) -> None:
    """A fire of a running task is skipped with a reason or waits, and never more than one waits (B-71)."""
    decision = decide_overlap(OverlapPolicy(policy), is_running=is_running, has_queued=has_queued)
    assert (decision.overlap, decision.reason) == (overlap, reason)
