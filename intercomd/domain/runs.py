"""Runs: one execution of an agent for one group, from sandbox start to outcome."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from intercomd.domain.chat import ChatMessage, Group
from intercomd.domain.ids import ChatJid, Epoch, Folder, Generation, InputId, RunId, Seq, TaskId
from intercomd.domain.scheduled import TaskInput


class Outcome(StrEnum):
    """How a run ended. Only FAILED, TIMED_OUT and ORPHANED may be tried again, and only without effects."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    STOPPED = "stopped"
    """Cancelled by a command; its inputs were settled by that command's transaction."""
    DRAINED = "drained"
    """Ended by a drain of the daemon; no attempt is counted."""
    REFUSED = "refused"
    """It could not start, or got no answer, and will not until a person changes something: never tried again by
    itself."""
    ORPHANED = "orphaned"
    """Its daemon died; no attempt is counted the first time, so a crash of ours does not cost the user a retry."""


@dataclass(frozen=True, slots=True)
class PromptInput:
    """One prompt or follow-up of a run: the messages from the one after `after_seq` up to `up_to_seq`.

    `messages` are the newest that fit the limits, oldest first; `omitted` counts the older ones left out.
    """

    input_id: InputId
    after_seq: Seq
    up_to_seq: Seq
    messages: tuple[ChatMessage, ...]
    omitted: int


@dataclass(frozen=True, slots=True)
class CarriedOver:
    """What was said before the model was switched from `model` (empty: the default one), oldest first."""

    model: str
    messages: tuple[ChatMessage, ...]


@dataclass(frozen=True, slots=True)
class OpenedRun:
    """A run as its group queue gets it from the transaction that opened it. A run of a scheduled task has a `task`, and
    a `prompt` without messages that only carries the input's id."""

    run_id: RunId
    group: Group
    epoch: Epoch
    generation: Generation
    attempt: int
    prompt: PromptInput
    session_id: str | None
    task: TaskInput | None = None
    carried: CarriedOver | None = None


@dataclass(frozen=True, slots=True)
class ProcessIdentity:
    """What is needed to find a sandbox again after a crash of ours: pid plus the kernel's start time (clock ticks)."""

    engine: str
    name: str
    pid: int
    start_ticks: int


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A run as it stands in the store, for lists and for recovery."""

    run_id: RunId
    folder: Folder
    chat_jid: ChatJid
    epoch: Epoch
    generation: Generation
    attempt: int
    has_effects: bool
    outcome: Outcome | None
    error: str | None
    opened_at: datetime
    started_at: datetime | None
    first_frame_at: datetime | None
    ended_at: datetime | None
    identity: ProcessIdentity | None
    log_path: str | None
    runtime: str | None
    model: str | None
    task_id: TaskId | None = None
    fire_at: datetime | None = None

    @property
    def is_live(self) -> bool:
        return self.outcome is None


class Ending(StrEnum):
    """What the end of a run means for its group (decided by `domain/endings.py`, in the ending transaction)."""

    DONE = "done"
    """Every input has its outcome."""
    RETRY = "retry"
    """Nothing was said: the same inputs go into a further run at `retry_at`."""
    GAVE_UP = "gave_up"
    """A notice was put into the outbox and the inputs are settled."""
    PENDING = "pending"
    """Inputs stay pending without a counted attempt (drain, orphan, follow-ups not answered)."""


@dataclass(frozen=True, slots=True)
class RunEnding:
    """The stored decision; asked for again (same run id) it is the same."""

    ending: Ending
    retry_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Recorded:
    """What recording a frame did. `is_superseded`: the run was cancelled, ended or taken over; stop it."""

    is_superseded: bool
    replies: int = 0
