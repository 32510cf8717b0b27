"""What the end of a task's run means for its fire: a pure decision, taken inside the transaction that ends the run.

| outcome           | answered | unanswered, no effects                        | unanswered, effects |
|-------------------|----------|-----------------------------------------------|---------------------|
| succeeded         | ran      | as failed (exit 0, no word)                   | ran                 |
| failed, timed out | ran      | queued after a wait, after the last one failed | failed              |
| refused           | ran      | failed                                        | (has none)          |
| orphaned          | ran      | queued at once, the second time as failed     | failed              |
| drained           | ran      | queued at once                                | stopped by drain    |
| stopped           | ran      | stopped                                       | stopped             |

"Ran" is "ran late" for a fire that was late when it was claimed. A fire that has said something is never run again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from intercomd.domain.endings import failure_of
from intercomd.domain.runs import Ending, Outcome
from intercomd.domain.scheduled import FireState

RESULT_LENGTH = 200
"""Characters of a result that are kept with its task (original.md §14)."""

_HAS_RUN = (FireState.RAN, FireState.RAN_LATE)
_LOST = (FireState.FAILED, FireState.STOPPED_BY_DRAIN)


@dataclass(frozen=True, slots=True, kw_only=True)
class FireFacts:
    """What the deciding transaction reads. `attempts` counts the failed tries before this run."""

    outcome: Outcome
    has_effects: bool
    is_answered: bool
    is_late: bool
    attempts: int
    was_orphaned_before: bool


@dataclass(frozen=True, slots=True)
class FireEnding:
    """The fire's next state. One that is queued again runs at `retry_at`, its try counted, or at once without it."""

    state: FireState
    retry_at: datetime | None = None

    @property
    def is_queued(self) -> bool:
        return self.state is FireState.QUEUED

    @property
    def has_run(self) -> bool:
        return self.state in _HAS_RUN

    @property
    def ending(self) -> Ending:
        """The same decision in the words of runs."""
        if self.is_queued:
            return Ending.PENDING if self.retry_at is None else Ending.RETRY
        return Ending.GAVE_UP if self.state is FireState.FAILED else Ending.DONE


def decide(facts: FireFacts, waits: tuple[timedelta, ...], now: datetime) -> FireEnding:
    """The ending for these facts; `waits` are the pauses before the second, third, … try."""
    if facts.is_answered or (facts.outcome is Outcome.SUCCEEDED and facts.has_effects):
        return FireEnding(FireState.RAN_LATE if facts.is_late else FireState.RAN)
    if facts.outcome is Outcome.STOPPED:
        return FireEnding(FireState.STOPPED)
    if facts.has_effects:
        return FireEnding(FireState.STOPPED_BY_DRAIN if facts.outcome is Outcome.DRAINED else FireState.FAILED)
    is_forgiven = facts.outcome is Outcome.ORPHANED and not facts.was_orphaned_before
    if is_forgiven or facts.outcome is Outcome.DRAINED:
        return FireEnding(FireState.QUEUED)
    if facts.outcome is not Outcome.REFUSED and facts.attempts < len(waits):
        return FireEnding(FireState.QUEUED, now + waits[facts.attempts])
    return FireEnding(FireState.FAILED)


def wants_notice(state: FireState, *, is_single: bool, failures_before: int) -> bool:
    """Whether people are told of this end. `is_single`: nothing makes up for this fire, since the task fires once or
    somebody asked for this very run; of a recurring one the first failure in a row speaks for those after it."""
    return state in _LOST and (is_single or (state is FireState.FAILED and failures_before == 0))


def failures_after(state: FireState, failures_before: int) -> int:
    """How many fires in a row have failed, now that one ended in `state`; a stopped one neither did nor did not."""
    if state is FireState.FAILED:
        return failures_before + 1
    return 0 if state in _HAS_RUN else failures_before


def failure_notice(
    number: int, outcome: Outcome, reason: str | None = None, words: str | None = None, *, is_single: bool
) -> str:
    """What people read in the chat when a task has failed."""
    why = failure_of(outcome, reason, words)
    way_on = "It is not run again by itself." if is_single else "It runs again at its next time."
    return f"⚠️ Task {number} could not be finished: {why}. {way_on}"


def pause_notice(number: int, reason: str) -> str:
    """What people read in the chat when a task cannot go on as it is."""
    return f"⚠️ Task {number} is paused: {reason}. Change it, then resume it."


def summary_of(result: str | None, error: str | None) -> str:
    """A task's `last_result`: the beginning of what was said, or of the error (hazard B-74: characters, not bytes)."""
    if error is not None:
        return f"Error: {error}"[:RESULT_LENGTH]
    return result[:RESULT_LENGTH] if result else "Completed"
