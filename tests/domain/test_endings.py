"""What the end of a run means for its group."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intercomd.domain.endings import RunFacts, decide, notice_for
from intercomd.domain.runs import Ending, Outcome, RunEnding

NOW = datetime(2026, 1, 1, tzinfo=UTC)
WAITS = tuple(timedelta(seconds=seconds) for seconds in (5, 10, 20, 40, 80))
SILENT = RunFacts(
    Outcome.FAILED,
    has_effects=False,
    is_prompt_answered=False,
    has_unanswered=True,
    attempts=0,
    was_orphaned_before=False,
)


@pytest.mark.parametrize(("attempts", "wait"), list(enumerate(WAITS)))
def test_failed_run_is_tried_again_after_a_growing_pause_when_nothing_was_said(attempts: int, wait: timedelta) -> None:
    """5, 10, 20, 40, 80 seconds (B-20)."""
    assert decide(replace(SILENT, attempts=attempts), WAITS, NOW) == RunEnding(Ending.RETRY, NOW + wait)


@pytest.mark.parametrize(
    ("facts", "ending"),
    [
        (replace(SILENT, attempts=5), Ending.GAVE_UP),
        (replace(SILENT, outcome=Outcome.TIMED_OUT, attempts=5), Ending.GAVE_UP),
        (replace(SILENT, has_effects=True), Ending.GAVE_UP),
        (replace(SILENT, outcome=Outcome.DRAINED), Ending.PENDING),
        (replace(SILENT, outcome=Outcome.DRAINED, has_effects=True), Ending.GAVE_UP),
        (replace(SILENT, outcome=Outcome.ORPHANED), Ending.PENDING),
        (replace(SILENT, outcome=Outcome.ORPHANED, was_orphaned_before=True, attempts=5), Ending.GAVE_UP),
        (replace(SILENT, outcome=Outcome.STOPPED), Ending.DONE),
        (replace(SILENT, outcome=Outcome.REFUSED), Ending.GAVE_UP),
        (replace(SILENT, is_prompt_answered=True, has_effects=True), Ending.PENDING),
        (replace(SILENT, is_prompt_answered=True, has_unanswered=False, has_effects=True), Ending.DONE),
    ],
)
def test_ending_follows_the_table(facts: RunFacts, ending: Ending) -> None:
    """A run with effects is never repeated (B-114), a cancelled one never retried (B-28), follow-ups stay (B-12)."""
    assert decide(facts, WAITS, NOW).ending is ending


@given(
    st.builds(
        RunFacts,
        outcome=st.sampled_from(Outcome),
        has_effects=st.booleans(),
        is_prompt_answered=st.booleans(),
        has_unanswered=st.booleans(),
        attempts=st.integers(0, 10),
        was_orphaned_before=st.booleans(),
    )
)
def test_ending_never_repeats_effects_and_never_forgets_an_input(facts: RunFacts) -> None:
    """Over all facts: a retry only without effects; DONE only when everything has its outcome."""
    ending = decide(facts, WAITS, NOW)
    assert not (ending.ending is Ending.RETRY and facts.has_effects)
    assert (ending.retry_at is not None) == (ending.ending is Ending.RETRY)
    if ending.ending is Ending.DONE:
        assert facts.outcome is Outcome.STOPPED or not facts.has_unanswered


@pytest.mark.parametrize("outcome", list(Outcome))
def test_notice_says_how_to_try_again(outcome: Outcome) -> None:
    """People are never left without a way on (B-123), and /retry is offered only when it would do something."""
    assert "/retry" in notice_for(outcome, has_effects=False, can_retry=True)
    assert "/retry" not in notice_for(outcome, has_effects=True, can_retry=False)
