"""What the rest of intercomd asks of the store, engine by engine the same (one contract suite runs on all).

Every method is one transaction and may raise `StoreUnavailable`: the caller repeats the same call later, and every
write has a key that makes the second time a no-op with the same answer. A method with a `fence` first locks the
duty's lease row shared and raises `FenceLost` on another epoch. `now` is always passed in. Lock order, so that
transactions never wait in a circle: lease, group, run, task (several: in the order of ids), fire, chat, outbox.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from intercomd.domain.chat import (
    Chat,
    ChatMessage,
    Group,
    GroupProgress,
    IncomingMessage,
    Ingested,
    Network,
    ReadyChat,
)
from intercomd.domain.ids import ChatJid, Folder, Generation, InputId, OutboxId, RunId, Seq
from intercomd.domain.leases import Fence
from intercomd.domain.outbox import NewText, OutboxRow, RelayRequest
from intercomd.domain.runs import OpenedRun, Outcome, ProcessIdentity, PromptInput, Recorded, RunEnding, RunRecord
from intercomd.store.agent_file_ports import AgentFiles
from intercomd.store.compat_ports import Compat
from intercomd.store.event_ports import Events
from intercomd.store.history_ports import History
from intercomd.store.lease_ports import Holds, Leases
from intercomd.store.pruning import Pruning
from intercomd.store.question_ports import Questions
from intercomd.store.task_ports import Tasks
from intercomd.store.why_ports import Chains


@dataclass(frozen=True, slots=True)
class Session:
    """What a group's next run resumes and with which agent; None means the defaults of the settings."""

    folder: Folder
    session_id: str | None
    generation: Generation
    runtime: str | None
    model: str | None


class ChatLog(Protocol):
    """Chats and what was written in them."""

    def ingest(self, message: IncomingMessage, now: datetime) -> Ingested:
        """Store a chat message and decide what it is (`domain.intake.classify`), in one transaction.

        Draws the next seq under the chat's row lock; a known external id keeps its seq and changes nothing but the
        text (an edit). A request raises the group's `last_request_seq`, starts `waiting_since` when nothing was
        pending, and clears `not_before`. NUL and lone surrogates become U+FFFD.
        """
        ...

    def list_chats(self) -> list[Chat]:
        """All chats, the one with the newest message first."""
        ...

    def history(self, chat_jid: ChatJid, after: Seq, limit: int) -> list[ChatMessage]:
        """Messages after `after`, oldest first, bot messages and commands included."""
        ...

    def recent(self, chat_jid: ChatJid, limit: int) -> list[ChatMessage]:
        """The newest `limit` messages, oldest first."""
        ...

    def list_unhandled_commands(self, limit: int) -> list[ChatMessage]:
        """Stored commands without a reply, oldest first."""
        ...

    def get_message(self, chat_jid: ChatJid, seq: Seq) -> ChatMessage:
        """One message; raises `NotFound`."""
        ...


class Groups(Protocol):
    """Registered chats and their numbers."""

    def add(self, group: Group, now: datetime) -> Group:
        """Register or update by jid. A folder in use by another jid raises `StoreConflict` (hazard B-101).

        A new group's numbers start at the chat's last seq, so nothing old is answered; an update keeps them.
        """
        ...

    def set_network(self, folder: Folder, network: Network, who: str, now: datetime) -> bool:
        """What the group's next sandboxes may reach; `add` leaves it alone. Recorded with `who`. False when it is so
        already. Raises `NotFound`."""
        ...

    def remove(self, folder: Folder, now: datetime) -> None:
        """Unregister; the chat log stays. Raises `NotFound`, and `StoreConflict` while a run is live."""
        ...

    def list_all(self) -> list[Group]: ...

    def list_progress(self) -> list[GroupProgress]: ...

    def get(self, folder: Folder) -> GroupProgress: ...

    def find_by_jid(self, chat_jid: ChatJid) -> GroupProgress | None: ...

    def count(self) -> int: ...

    def list_ready(self, now: datetime, limit: int) -> list[ReadyChat]:
        """Groups with `last_request_seq > settled_seq` whose `not_before` is over, or further ahead than any wait of
        the store's `RetryPolicy`; longest waiting first; indexed."""
        ...

    def find_ready(self, chat_jid: ChatJid, now: datetime) -> ReadyChat | None: ...

    def count_pending(self) -> int:
        """Groups with a request that has no outcome yet, backoff included."""
        ...

    def next_retry_at(self, now: datetime) -> datetime | None:
        """The nearest `not_before` after `now` of a pending group."""
        ...


@dataclass(frozen=True, slots=True)
class InputLimits:
    """How much of the context one prompt may carry; the request itself is always included."""

    messages: int = 200
    content_bytes: int = 256 * 1024


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Waits before the tries after a failed one (hazard B-20); after the last a notice is sent."""

    waits: tuple[timedelta, ...] = tuple(timedelta(seconds=s) for s in (5, 10, 20, 40, 80))

    @property
    def longest_wait(self) -> timedelta:
        """A `not_before` further ahead was written before somebody set the clock back, and is due."""
        return max(self.waits, default=timedelta(0))


@dataclass(frozen=True, slots=True)
class FrameWrite:
    """What a frame changes. `replies` are already cut into parts the channel takes; `settles` are the inputs whose
    outcome is reached with this frame; `error` marks an outcome that failed after a reply and wants a notice;
    `lost_session` is forgotten if it is still the group's, which is then told by `notice`."""

    run_id: RunId
    frame: int
    generation: Generation
    replies: tuple[str, ...] = ()
    settles: tuple[InputId, ...] = ()
    session_id: str | None = None
    model: str | None = None
    notice: str | None = None
    event: str | None = None
    lost_session: str | None = None


class Runs(Protocol):
    """Runs, their inputs, and what their end means for the group."""

    def open_run(
        self, fence: Fence, folder: Folder, run_id: RunId, input_id: InputId, limits: InputLimits, now: datetime
    ) -> OpenedRun | None:
        """Open a run for everything pending; None when nothing is pending or `not_before` lies ahead.

        The prompt reaches from `context_seq` to the chat's last seq. Known `run_id`: the same answer again. A live
        run of the same group raises `StoreConflict` (one run at a time per group). Raises `NotFound` for an unknown
        folder, `FenceLost`. `session_id` is the group's session at its present generation.
        """
        ...

    def open_task_run(
        self, fence: Fence, folder: Folder, run_id: RunId, input_id: InputId, now: datetime
    ) -> OpenedRun | None:
        """Open a run for the group's oldest queued fire whose `not_before` is over; None when there is none.

        A fire whose task was paused, removed or changed since is settled as skipped, and the next one taken. The
        answer has `task`; its `session_id` is the group's only in context mode group. Otherwise as `open_run`.
        """
        ...

    def record_start(
        self, run_id: RunId, identity: ProcessIdentity, log_path: str, runtime: str, model: str | None, now: datetime
    ) -> Recorded:
        """The sandbox has its process; superseded when the run is no longer live."""
        ...

    def open_follow_up(
        self, run_id: RunId, input_id: InputId, limits: InputLimits, now: datetime
    ) -> PromptInput | None:
        """Take the messages after the run's last input as a further one; None without a request among them,
        or when the run is not live. Known `input_id`: the same answer again."""
        ...

    def record_frame(self, write: FrameWrite, now: datetime) -> Recorded:
        """Outbox rows (ids `run:frame:part`), session id, settled inputs, one transaction; key: run id and frame.

        Superseded, and nothing is written but an event, when the run is not live or its generation is not the
        group's. Replies count as effects. Settling moves `settled_seq` and `context_seq` up to the inputs, sets
        `attempts` to 0 and `waiting_since` to the oldest request after `settled_seq`.
        """
        ...

    def end_run(
        self,
        run_id: RunId,
        outcome: Outcome,
        error: str | None,
        policy: RetryPolicy,
        now: datetime,
        words: str | None = None,
    ) -> RunEnding:
        """Settle the run (rules: `domain.endings.decide`), and the fire of a task's run or queue it again. A run that
        has ended answers with the stored decision. `words` tell people what went wrong, `error` operators."""
        ...

    def list_live(self, folder: Folder | None = None) -> list[RunRecord]:
        """Runs without an outcome, whoever opened them, oldest first."""
        ...

    def list_recent(self, folder: Folder | None, limit: int) -> list[RunRecord]:
        """Newest first."""
        ...

    def get(self, run_id: RunId) -> RunRecord: ...


@dataclass(frozen=True, slots=True)
class Cancelled:
    """What a cancel did: `run_id` is the live run it ended, if any; `is_repeat` when its key was known already."""

    generation: Generation
    run_id: RunId | None
    is_repeat: bool


class Sessions(Protocol):
    """The agent's own conversation ids, and the commands that change them."""

    def get(self, folder: Folder) -> Session: ...

    def list_all(self) -> list[Session]: ...

    def cancel(
        self,
        folder: Folder,
        *,
        key: str,
        clears_session: bool,
        runtime: str | None,
        model: str | None,
        reply: NewText | None,
        handled: tuple[ChatJid, Seq] | None,
        now: datetime,
    ) -> Cancelled:
        """`/stop`, `/reset`, `/model` in one transaction: generation + 1, the live run's outcome STOPPED, the inputs
        it was given settled, the session cleared and runtime/model set when asked (None leaves them), `reply` put
        into the outbox, the command message `handled` marked as answered. `key` makes it idempotent. Texts not handed
        over to the run stay pending."""
        ...

    def replace(self, folder: Folder, session_id: str | None, now: datetime) -> bool:
        """Set or clear the session from outside: generation + 1, and a live run of the old one ends as if drained, so
        that what it has not answered is asked again in the new session. False, and nothing happens, when this is the
        session already; clearing always counts while a run is live, since that run could bring a session back
        (hazard B-29). Raises `NotFound`."""
        ...

    def request_retry(self, folder: Folder, *, seq: Seq, reply: NewText | None, now: datetime) -> bool:
        """`/retry`: make the command message `seq` a request that runs the context of the last failed one again.
        `reply` goes into the outbox with it. False, and nothing is written, when there is nothing to retry."""
        ...


class OutboxTable(Protocol):
    """Texts on their way to people."""

    def enqueue(self, texts: Sequence[NewText], *, handled: tuple[ChatJid, Seq] | None, now: datetime) -> None:
        """Put texts into the outbox; known ids are left alone. `handled` marks that command message as answered in
        the same transaction."""
        ...

    def relay(
        self, request: RelayRequest, repeats_since: datetime, is_late: Callable[[], bool], now: datetime
    ) -> tuple[OutboxId, ...]:
        """Put a caller's texts into the outbox and return their ids; a chat that nobody has written in is made.

        A request for the same that was stored at `repeats_since` or later and is unfinished is the same request
        (hazard B-41): its ids are returned and nothing is added. Known nonce: the same answer again. `is_late` is
        asked once every lock is held; when it says so nothing is stored and `StoreUnavailable` raised."""
        ...

    def claim(self, fence: Fence, channel: str, now: datetime, limit: int) -> list[OutboxRow]:
        """Mark rows as being sent and return them. Per chat rows go in order: a row is claimable only when every
        earlier one of its chat is sent, failed or unknown, and its `not_before` is over, or lies further ahead than
        `LONGEST_WAIT` (somebody set the clock back). It has no key: after `StoreUnavailable` the rows may be marked
        all the same, and `list_sending` shows them."""
        ...

    def expire(self, created_before: datetime, now: datetime) -> int:
        """Pending rows of every channel that are older fail, with an event; returns how many."""
        ...

    def record_sent(self, sent: Sequence[tuple[OutboxId, tuple[str, ...]]], now: datetime) -> None:
        """Sent, with the channel's own ids; the text enters the chat log as a bot message in the same transaction."""
        ...

    def record_failed(self, claimed: OutboxRow, error: str, now: datetime) -> None:
        """A definite refusal for good. This and the next two do nothing unless the row is still being sent under the
        epoch of `claimed`: whoever lost the lease has no say in what its successor does."""
        ...

    def postpone(self, claimed: OutboxRow, not_before: datetime, error: str, now: datetime) -> None:
        """Back to pending after a definite refusal or a write that never happened."""
        ...

    def record_unknown(self, claimed: OutboxRow, error: str, *, resends: bool, now: datetime) -> None:
        """The channel may have it. With `resends` the row becomes pending again, marked as a repeat (once);
        otherwise it stays unknown."""
        ...

    def rescue(self, fence: Fence, channel: str, *, is_idempotent: bool, resends: bool, now: datetime) -> int:
        """Rows left in sending by an earlier epoch: pending again where the channel is idempotent, else as
        `record_unknown`. Returns how many."""
        ...

    def list_sending(self, channel: str) -> list[OutboxRow]:
        """Rows of the channel being sent, in order: what a restarted Outbox finds in flight."""
        ...

    def list_recent(self, chat_jid: ChatJid | None, limit: int) -> list[OutboxRow]:
        """Newest first."""
        ...

    def is_known(self, outbox_id: OutboxId) -> bool:
        """Whether there is such a row, in any state."""
        ...

    def list_waiting_files(self) -> frozenset[OutboxId]:
        """Rows with an attachment that are pending or being sent: the files that are still needed."""
        ...

    def count_waiting(self) -> int:
        """Rows pending or being sent."""
        ...

    def next_due_at(self, now: datetime) -> datetime | None:
        """The nearest `not_before` after `now` of a pending row."""
        ...


class Store(Protocol):
    """The whole store; `open_store` in `store/opening.py` makes one."""

    engine: str
    chats: ChatLog
    history: History
    groups: Groups
    runs: Runs
    sessions: Sessions
    outbox: OutboxTable
    leases: Leases
    holds: Holds
    events: Events
    tasks: Tasks
    agent_files: AgentFiles
    questions: Questions
    chains: Chains
    pruning: Pruning
    compat: Compat

    def ping(self) -> None:
        """One cheap read; raises `StoreUnavailable`."""
        ...

    def schema_version(self) -> int:
        """The version of the schema in use, which is the newest that this program knows."""
        ...

    def close(self) -> None: ...
