"""What the end of a run means for its group: a pure decision, taken inside the transaction that ends the run.

| outcome            | everything answered | unanswered, no effects       | unanswered, effects        |
|--------------------|---------------------|------------------------------|----------------------------|
| succeeded          | done                | as failed (exit 0, no word)  | pending (follow-ups)       |
| failed, timed out  | done                | retry, after the last gave up| prompt: gave up, follow-ups: pending |
| refused            | done                | gave up                      | prompt: gave up, follow-ups: pending |
| orphaned           | done                | pending, then as failed      | prompt: gave up, follow-ups: pending |
| drained            | done                | pending                      | prompt: gave up, follow-ups: pending |
| stopped            | done                | done                         | done                       |

"Unanswered" in the last column tells apart the prompt, which may not run a second time once something was said for it
(hazard B-114), from follow-ups that the agent never took up (hazard B-12).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from intercomd.domain.runs import Ending, Outcome, RunEnding


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What the deciding transaction reads. `attempts` counts the group's failed tries before this run; `orphans` the
    runs of the same inputs that died with their daemon."""

    outcome: Outcome
    has_effects: bool
    is_prompt_answered: bool
    has_unanswered: bool
    attempts: int
    was_orphaned_before: bool


def decide(facts: RunFacts, waits: tuple[timedelta, ...], now: datetime) -> RunEnding:
    """The ending for these facts; `waits` are the pauses before the second, third, … try."""
    if facts.outcome is Outcome.STOPPED or not facts.has_unanswered:
        return RunEnding(Ending.DONE)
    if facts.is_prompt_answered:
        return RunEnding(Ending.PENDING)
    if facts.has_effects or facts.outcome is Outcome.REFUSED:
        return RunEnding(Ending.GAVE_UP)
    if facts.outcome is Outcome.DRAINED:
        return RunEnding(Ending.PENDING)
    if facts.outcome is Outcome.ORPHANED and not facts.was_orphaned_before:
        return RunEnding(Ending.PENDING)
    if facts.attempts < len(waits):
        return RunEnding(Ending.RETRY, now + waits[facts.attempts])
    return RunEnding(Ending.GAVE_UP)


CUT_OFF_NOTICE = "⚠️ The last reply may be incomplete: the agent failed before it was done."
"""After a reply that answered its request: there is nothing to run again."""

SESSION_LOST_NOTICE = "ℹ️ I no longer have our earlier conversation and start afresh; the group's memory is still there."
"""Once, before the first reply of the new session."""


def failure_of(outcome: Outcome, reason: str | None, words: str | None = None) -> str:
    """Why there is no answer, for people: in the agent's `words`, where it has any, else in ours. Of the reasons only a
    refusal's is for people, too: it says what to change."""
    told = words or (reason if outcome is Outcome.REFUSED else None)
    if told:
        return told.rstrip(". ")
    return {
        Outcome.TIMED_OUT: "the agent did not answer in time",
        Outcome.ORPHANED: "it was interrupted by a restart",
        Outcome.DRAINED: "it was interrupted by a restart",
    }.get(outcome, "the agent failed")


def notice_for(
    outcome: Outcome, reason: str | None = None, words: str | None = None, *, has_effects: bool, can_retry: bool
) -> str:
    """What people read when a request has no answer and will not be tried again by itself."""
    why = failure_of(outcome, reason, words)
    scope = "could not be finished" if has_effects else "could not be answered"
    way_on = "Send /retry to try again." if can_retry else "Please write it again if you still need it."
    return f"⚠️ Your last request {scope}: {why}. {way_on}"
