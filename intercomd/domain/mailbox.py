"""The whole conversation between the actors: every item that can stand in a mailbox.

Commands are imperative, events past tense, requests (asked, not told) name what they return. A told item is a
hint: the store is the truth, and losing any of these loses only time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from intercomd.domain.agent_files import ToolAnswer
from intercomd.domain.frames import Frame
from intercomd.domain.ids import ChatJid, Epoch, Folder, InputId, OutboxId, RunId, Seq
from intercomd.domain.outbox import NewText, OutboxRow
from intercomd.domain.runs import Outcome

# -- a chat message comes in ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ChatStored:
    """channel → MessageLoop: a chat message is in the store."""

    chat_jid: ChatJid


@dataclass(frozen=True, slots=True)
class CommandStored:
    """channel → Commands: a slash command is in the store and wants its reply through the outbox."""

    chat_jid: ChatJid
    seq: Seq


@dataclass(frozen=True, slots=True)
class Poll:
    """timer → MessageLoop, Scheduler, Outbox, Dispatcher: look at the store; hints may have been lost."""


@dataclass(frozen=True, slots=True)
class ChatReady:
    """MessageLoop → Dispatcher: this group has a request that may be worked on now."""

    chat_jid: ChatJid
    folder: Folder
    waiting_since: datetime


# -- a scheduled task is due ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TaskReady:
    """Scheduler → Dispatcher: this group has a claimed fire that may be run now."""

    chat_jid: ChatJid
    folder: Folder
    waiting_since: datetime


@dataclass(frozen=True, slots=True)
class TasksChanged:
    """API, Commands, IpcWatcher, Dispatcher → Scheduler: a task or a fire was written. `free` is a group that has no
    run any more: what else it has to run may be run now."""

    free: Folder | None = None


@dataclass(frozen=True, slots=True)
class WakeUp:
    """timer → Scheduler: a fire time has come."""


# -- slots ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class GroupIdle:
    """GroupQueue → Dispatcher: the agent has answered everything and waits for follow-ups."""

    folder: Folder


@dataclass(frozen=True, slots=True)
class GroupBusy:
    """GroupQueue → Dispatcher: the agent works again."""

    folder: Folder


@dataclass(frozen=True, slots=True)
class ReportIdleness:
    """Dispatcher → GroupQueue, after a restart of the former: say again whether the agent is idle."""


@dataclass(frozen=True, slots=True)
class LineShort:
    """Dispatcher → MessageLoop, Scheduler: their waiting line runs empty, and the last look may have been cut off."""


@dataclass(frozen=True, slots=True)
class GrantSlot:
    """Dispatcher → GroupQueue, its first item: open a run for the messages that are pending, or for a task."""

    is_for_task: bool = False


@dataclass(frozen=True, slots=True)
class PendingHint:
    """Dispatcher → GroupQueue: a request arrived while the group has its slot."""


@dataclass(frozen=True, slots=True)
class YieldSlot:
    """Dispatcher → GroupQueue: another group waits; close the sandbox if it is idle."""


# -- one run ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StartSandbox:
    """Run → itself: first item."""


@dataclass(frozen=True, slots=True)
class FollowUpReady:
    """GroupQueue → Run: take what is pending as a follow-up, if this agent takes follow-ups."""


@dataclass(frozen=True, slots=True)
class FrameRead:
    """sandbox reader → Run: one frame, `size_bytes` to be released to the reader when it is recorded."""

    number: int
    frame: Frame
    size_bytes: int


@dataclass(frozen=True, slots=True)
class SandboxEnded:
    """sandbox reader → Run: the process is gone and its output is read to the end."""

    exit_code: int | None
    signal: int | None
    error_tail: str


@dataclass(frozen=True, slots=True)
class CheckDeadline:
    """timer → Run: the time-out or the idle time may be over."""


@dataclass(frozen=True, slots=True)
class CloseSandbox:
    """GroupQueue → Run: write the close sentinel if idle."""


@dataclass(frozen=True, slots=True)
class KillSandbox:
    """GroupQueue → Run: end it now; `outcome` is what the run is settled with."""

    outcome: Outcome
    reason: str


@dataclass(frozen=True, slots=True)
class RunIdle:
    """Run → GroupQueue: everything delivered is answered."""

    run_id: RunId


@dataclass(frozen=True, slots=True)
class RunBusy:
    """Run → GroupQueue: a follow-up was delivered."""

    run_id: RunId
    input_id: InputId


@dataclass(frozen=True, slots=True)
class RunFinished:
    """Run → GroupQueue: settled in the store, sandbox gone."""

    run_id: RunId


# -- cancel, drain ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class GroupCancelled:
    """Commands → Dispatcher → GroupQueue: the store has a new generation; the sandbox must be dead within 2 s."""

    folder: Folder


@dataclass(frozen=True, slots=True)
class VerifyRun:
    """Dispatcher → GroupQueue → Run: the store has no live row for you; look, and end when that is so."""


@dataclass(frozen=True, slots=True)
class Drain:
    """conductor → Dispatcher → GroupQueue: take nothing new, finish within `grace`, then end by force."""

    grace: timedelta


@dataclass(frozen=True, slots=True)
class GraceOver:
    """timer → GroupQueue: the drain's grace is over; end the run by force."""


# -- texts go out -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OutboxFilled:
    """Run, Commands → Outbox: there is something to deliver."""


@dataclass(frozen=True, slots=True)
class ExpireTexts:
    """timer → Outbox: give up texts that could not be delivered for too long."""


@dataclass(frozen=True, slots=True)
class DeliverTexts:
    """Outbox → a channel: deliver these claimed rows, in this order."""

    rows: tuple[OutboxRow, ...]
    epoch: Epoch


@dataclass(frozen=True, slots=True)
class TextDelivered:
    """channel → Outbox."""

    outbox_id: OutboxId
    channel_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TextNotDelivered:
    """channel → Outbox: what became of a row claimed under `epoch`; see `ChannelError` for the other fields."""

    outbox_id: OutboxId
    epoch: Epoch | None
    error: str
    retry_after: timedelta | None
    may_have_arrived: bool
    is_permanent: bool


@dataclass(frozen=True, slots=True)
class RecordDelivered:
    """Outbox → itself: write what was delivered since the last time, in one transaction."""


@dataclass(frozen=True, slots=True)
class StopClaiming:
    """conductor → Outbox, before everything stops: hand out nothing more, only record what becomes of the rest."""


@dataclass(frozen=True, slots=True)
class TextsRecorded:
    """Outbox → a channel: these chats have new bot messages in the chat log."""

    chat_jids: tuple[ChatJid, ...]


@dataclass(frozen=True, slots=True)
class LiveText:
    """Run → a channel: what the agent has streamed of its reply so far; empty when the turn ended. Not stored."""

    chat_jid: ChatJid
    run_id: RunId
    text: str
    tool: str | None


# -- files of agents --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SandboxesLive:
    """Dispatcher → IpcWatcher: these groups have a slot."""

    folders: frozenset[Folder]


@dataclass(frozen=True, slots=True)
class QueryAnswered:
    """a thread aside → IpcWatcher: what became of a query that takes long; None when it is to be tried again."""

    folder: Folder
    name: str
    answer: ToolAnswer | None


# -- leases -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RenewLeases:
    """timer, conductor → LeaseKeeper: take, renew or give back, as each duty is wanted."""


@dataclass(frozen=True, slots=True)
class LookAtHold:
    """timer → HoldWatcher; an operator's request asks it after its write: look at the store now."""


# -- housekeeping -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PruneRunLogs:
    """schedule → Housekeeper: remove run logs past their retention."""


@dataclass(frozen=True, slots=True)
class PruneRecords:
    """schedule → Housekeeper, and Housekeeper → itself while there is more: remove records past their retention."""


@dataclass(frozen=True, slots=True)
class SweepRunFolders:
    """schedule → Housekeeper: remove folders of runs that a killed daemon left behind."""


@dataclass(frozen=True, slots=True)
class SweepOutboxFiles:
    """schedule → Housekeeper: remove copies of files whose text is settled."""


@dataclass(frozen=True, slots=True)
class EndStrays:
    """schedule → Housekeeper: end sandboxes whose run is over."""


# -- requests ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SessionOf:
    """Commands asks SessionStore → `Session`."""

    folder: Folder


@dataclass(frozen=True, slots=True)
class CancelGroup:
    """Commands asks SessionStore → `Cancelled`; see `store.ports.Sessions.cancel` for the fields."""

    folder: Folder
    key: str
    clears_session: bool
    runtime: str | None
    model: str | None
    reply: NewText | None
    handled: tuple[ChatJid, Seq] | None


@dataclass(frozen=True, slots=True)
class RetryGroup:
    """Commands asks SessionStore → bool: whether there was a failed request to run again. Only then `reply` is sent."""

    folder: Folder
    seq: Seq
    reply: NewText | None


@dataclass(frozen=True, slots=True)
class CommandReply:
    """API asks Commands → `CommandResult`; the fields are those of `POST /v1/commands` (original.md §5.4)."""

    chat_jid: ChatJid
    command: str
    args: str = ""
    group_name: str | None = None
    group_folder: Folder | None = None
    current_model: str | None = None
    session_id: str | None = None
    is_container_active: bool = False


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """supervisor, readiness asks any actor → `"ok"`: it takes items from its mailbox."""
