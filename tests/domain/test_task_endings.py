"""What the end of a task's run means for its fire."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intercomd.domain.runs import Ending, Outcome
from intercomd.domain.scheduled import FireState
from intercomd.domain.task_endings import (
    FireEnding,
    FireFacts,
    decide,
    failure_notice,
    failures_after,
    summary_of,
    wants_notice,
)

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
WAITS = (timedelta(seconds=5), timedelta(seconds=10))
QUEUED, RAN, FAILED, STOPPED = FireState.QUEUED, FireState.RAN, FireState.FAILED, FireState.STOPPED
DRAINED = FireState.STOPPED_BY_DRAIN
RETRY = FireEnding(QUEUED, NOON + WAITS[0])
SILENT = FireFacts(
    outcome=Outcome.FAILED,
    has_effects=False,
    is_answered=False,
    is_late=False,
    attempts=0,
    was_orphaned_before=False,
)


@pytest.mark.parametrize(
    ("outcome", "without_effects", "with_effects"),
    [
        (Outcome.SUCCEEDED, RETRY, FireEnding(RAN)),
        (Outcome.FAILED, RETRY, FireEnding(FAILED)),
        (Outcome.TIMED_OUT, RETRY, FireEnding(FAILED)),
        (Outcome.REFUSED, FireEnding(FAILED), FireEnding(FAILED)),
        (Outcome.ORPHANED, FireEnding(QUEUED), FireEnding(FAILED)),
        (Outcome.DRAINED, FireEnding(QUEUED), FireEnding(DRAINED)),
        (Outcome.STOPPED, FireEnding(STOPPED), FireEnding(STOPPED)),
    ],
)
def test_unanswered_fire_ends_as_the_table_says(
    outcome: Outcome, without_effects: FireEnding, with_effects: FireEnding
) -> None:
    """The table of the module, line by line."""
    assert decide(replace(SILENT, outcome=outcome), WAITS, NOON) == without_effects
    assert decide(replace(SILENT, outcome=outcome, has_effects=True), WAITS, NOON) == with_effects


def test_fire_is_tried_after_each_wait_and_then_has_failed() -> None:
    """As many tries as waits, and one more; a second orphan counts as any failure."""
    for attempts, wait in enumerate(WAITS):
        assert decide(replace(SILENT, attempts=attempts), WAITS, NOON) == FireEnding(QUEUED, NOON + wait)
    assert decide(replace(SILENT, attempts=2), WAITS, NOON) == FireEnding(FAILED)
    twice_orphaned = replace(SILENT, outcome=Outcome.ORPHANED, was_orphaned_before=True)
    assert decide(twice_orphaned, WAITS, NOON) == RETRY


@given(
    st.builds(
        FireFacts,
        outcome=st.sampled_from(Outcome),
        has_effects=st.booleans(),
        is_answered=st.booleans(),
        is_late=st.booleans(),
        attempts=st.integers(0, 4),
        was_orphaned_before=st.booleans(),
    )
)
def test_fire_with_effects_or_an_answer_is_never_queued_again(given_facts: FireFacts) -> None:
    """A scheduled task has at most one run with effects per fire time, whatever else is the case."""
    ending = decide(given_facts, WAITS, NOON)
    if given_facts.is_answered:
        assert ending.state is (FireState.RAN_LATE if given_facts.is_late else RAN)
    assert not (ending.is_queued and (given_facts.has_effects or given_facts.is_answered))
    assert ending.is_queued == (ending.ending in (Ending.RETRY, Ending.PENDING))


def test_notice_speaks_for_every_single_fire_and_for_the_first_failure_in_a_row() -> None:
    """A failing once-task tells the chat; a task of every minute does not fill it."""
    assert wants_notice(FAILED, is_single=True, failures_before=7)
    assert wants_notice(DRAINED, is_single=True, failures_before=0)
    assert [wants_notice(FAILED, is_single=False, failures_before=before) for before in (0, 1)] == [True, False]
    for state in (RAN, STOPPED, QUEUED):
        assert not wants_notice(state, is_single=True, failures_before=0)


def test_failures_count_in_a_row() -> None:
    """A run ends the row, a stop neither lengthens nor ends it."""
    assert [failures_after(state, 2) for state in (FAILED, RAN, STOPPED)] == [3, 0, 2]


def test_notice_says_why_and_what_comes_next() -> None:
    """People learn whether the task goes on without them."""
    assert failure_notice(3, Outcome.TIMED_OUT, is_single=True) == (
        "⚠️ Task 3 could not be finished: the agent did not answer in time. It is not run again by itself."
    )
    assert "a restart. It runs again at its next time" in failure_notice(3, Outcome.ORPHANED, is_single=False)


def test_summary_is_cut_between_characters() -> None:
    """B-74: 200 characters, whatever they weigh in bytes."""
    assert summary_of("ü" * 300, None) == "ü" * 200
    assert summary_of("🍲" * 300, None) == "🍲" * 200
    assert summary_of("said", "broke 🍲" * 100) == ("Error: " + "broke 🍲" * 100)[:200]
    assert [summary_of(nothing, None) for nothing in (None, "")] == ["Completed", "Completed"]
