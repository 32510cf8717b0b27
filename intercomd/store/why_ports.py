"""What is asked of the store to say why something happened. Reads only, each seeing what is committed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from intercomd.domain.chat import ChatMessage
from intercomd.domain.ids import ChatJid, Folder, OutboxId, Seq
from intercomd.domain.outbox import OutboxRow
from intercomd.domain.runs import RunRecord
from intercomd.store.event_ports import EventRow


@dataclass(frozen=True, slots=True)
class RunOfMessage:
    """A run whose prompt or follow-up reaches over a message; not `is_given` when the limits left the message out."""

    run: RunRecord
    is_given: bool
    events: Sequence[EventRow]
    texts: Sequence[OutboxRow]


@dataclass(frozen=True, slots=True)
class MessageChain:
    """A message, what was decided about it alone, and its runs: the newest few, oldest first."""

    message: ChatMessage
    events: Sequence[EventRow]
    runs: Sequence[RunOfMessage]


class Chains(Protocol):
    """What belongs together, found by index."""

    def of_message(self, chat_jid: ChatJid, seq: Seq) -> MessageChain:
        """Raises `NotFound`."""
        ...

    def find_newest_of_people(self, chat_jid: ChatJid, before: Seq | None) -> Seq | None:
        """The newest message that somebody wrote and that is no command; before `before` when given."""
        ...

    def find_text(self, outbox_id: OutboxId) -> OutboxRow | None: ...

    def count_runs_between(self, after: datetime, before: datetime, folder: Folder) -> int:
        """Runs of other groups than `folder` that were opened from `after` until `before`."""
        ...

    def count_waiting_before(self, since: datetime, now: datetime) -> int:
        """Groups that wait for a slot longer than since `since`."""
        ...

    def count_fires_waiting_before(self, since: datetime, now: datetime) -> int:
        """Fires of tasks that wait for a slot longer than since `since`."""
        ...
