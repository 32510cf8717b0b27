"""Looks at what the store says about a duty: whether an operator holds it, and who owns it.

Owns:      the latest look.
Never:     starts or stops anything (it publishes, the conductor acts), keeps what it saw from anybody.
Talks to:  the store only; `publish` is called in this actor's thread and must not block.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

from intercomd.domain.holds import Hold
from intercomd.domain.ids import DutyName
from intercomd.domain.leases import LeaseRow
from intercomd.domain.mailbox import Heartbeat, LookAtHold
from intercomd.errors import StoreUnavailable
from intercomd.store.lease_ports import Holds, Leases
from intercomd.supervision.port import Context

LOOK_INTERVAL = timedelta(seconds=1)
"""The latest after which a hold placed by another process counts here."""


@dataclass(frozen=True, slots=True)
class DutySeen:
    """What the store said last; nothing counts before `is_known`. `error`: why it could not be asked just now."""

    is_known: bool = False
    hold: Hold | None = None
    lease: LeaseRow | None = None
    error: str | None = None


class HoldWatcher:
    """See the module's text. Looks at a timer, and at once when asked: the asker's write is seen then."""

    def __init__(
        self, duty: DutyName, holds: Holds, leases: Leases, publish: Callable[[DutySeen], None], context: Context
    ) -> None:
        self._duty = duty
        self._holds = holds
        self._leases = leases
        self._publish = publish
        self._context = context
        self._seen = DutySeen()

    def on_start(self) -> None:
        self._context.timers.every(LOOK_INTERVAL, LookAtHold())
        self._context.address.hint(LookAtHold())

    def handle(self, item: object) -> object:
        match item:
            case LookAtHold():
                self._look()
            case Heartbeat():
                return "ok"
            case _:
                raise TypeError(f"HoldWatcher does not take {item!r}")
        return None

    def _look(self) -> None:
        try:
            seen = DutySeen(True, self._holds.find(self._duty), self._leases.find(self._duty))
        except StoreUnavailable as error:
            seen = replace(self._seen, error=str(error))
        self._seen = seen
        self._publish(seen)
