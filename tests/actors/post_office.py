"""The Outbox alone in the simulator: a real store, one channel that does what the test says, leases set by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from intercomd.actors.held_lease import HeldLease
from intercomd.actors.outbox import Outbox, Route
from intercomd.domain.chat import IncomingMessage
from intercomd.domain.ids import ChatJid, Epoch, OutboxId
from intercomd.domain.leases import Holder, delivery_duty
from intercomd.domain.mailbox import DeliverTexts, TextDelivered, TextNotDelivered
from intercomd.domain.outbox import NewText, OutboxRow, TextKind
from intercomd.store.opening import StoreSettings, open_store
from intercomd.supervision.port import Address, ChildSpec, SupervisorSpec
from tests.support.simulator import Simulation

CHANNEL = "whatsapp"
_DUTY = delivery_duty(CHANNEL)


@dataclass
class ScriptedChannel:
    """Keeps what it is handed; says so to the Outbox at once when it `answers`."""

    outbox: Address
    answers: bool = True
    handed: list[OutboxRow] = field(default_factory=list)

    def handle(self, item: object) -> object:
        if isinstance(item, DeliverTexts):
            self.handed += item.rows
            for row in item.rows:
                if self.answers:
                    self.outbox.hint(TextDelivered(row.outbox_id, ()))
        return None

    def refuse(self, row: OutboxRow) -> None:
        """The text did not arrive, for certain."""
        self.outbox.hint(
            TextNotDelivered(
                row.outbox_id, row.epoch, "away", retry_after=None, may_have_arrived=False, is_permanent=False
            )
        )


class PostOffice:
    """One process's Outbox and channel; `takes_over` is another process's claim on the lease, or ours again."""

    def __init__(self, root: Path, seed: int = 1, *, is_idempotent: bool = False, answers: bool = True) -> None:
        self.store = open_store(StoreSettings(assistant_name="Ada", main_folder="main", sqlite_path=root / "x.db"))
        self.sim = Simulation(seed)
        self.channel = ScriptedChannel(self.sim.book.address("outbox"), answers)
        self.lease = HeldLease(_DUTY, self.sim.clock)
        route = Route(
            CHANNEL,
            self.sim.book.address("channel"),
            self.lease,
            is_idempotent=is_idempotent,
            delivery_timeout=timedelta(minutes=3),
        )
        self._outbox: Callable[..., Outbox] = lambda context: Outbox(
            self.store.outbox,
            {CHANNEL: route},
            self.sim.clock,
            context,
            resends_unknown=True,
            text_lifetime=timedelta(hours=24),
        )

    def open(self) -> None:
        """Start, in the order of the daemon's tree."""
        outbox, channel = ChildSpec("outbox", self._outbox), ChildSpec("channel", lambda _context: self.channel)
        self.sim.start(SupervisorSpec("root", children=(outbox, channel)))

    def take_lease(self) -> Epoch:
        """Own the delivery, under a new epoch."""
        self.lease.gained(self.let_another_take_the_lease(), self.sim.clock.monotonic() + 1e9)
        assert self.lease.epoch is not None
        return self.lease.epoch

    def let_another_take_the_lease(self) -> Epoch:
        """The row has a new epoch, of which this process knows nothing."""
        leases = self.store.leases
        epoch = leases.take(_DUTY, leases.find(_DUTY), Holder("boot", 1, 1))
        assert epoch is not None
        return epoch

    def put(self, key: str, chat_jid: str = "1@g.us") -> None:
        jid, now = ChatJid(chat_jid), self.sim.clock.now()
        self.store.chats.ingest(IncomingMessage(jid, f"m-{key}", "u", "Uma", "hello", now), now)
        self.store.outbox.enqueue([NewText(OutboxId(key), jid, TextKind.REPLY, key)], handled=None, now=now)

    def rows(self) -> dict[str, OutboxRow]:
        return {row.outbox_id: row for row in self.store.outbox.list_recent(None, 100)}

    def close(self) -> None:
        self.store.close()
