"""What the supervision tree is made from: lasting addresses, and everything the actors are given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from intercomd.actors.held_lease import HeldLease
from intercomd.actors.hold_watcher import DutySeen
from intercomd.actors.housekeeper import Sweep
from intercomd.actors.ipc_watcher import Aside
from intercomd.actors.run_parts import Launcher
from intercomd.actors.slots import SlotsView
from intercomd.channels.host_bridge import NAME as HOST_BRIDGE
from intercomd.channels.live import LiveBoard
from intercomd.channels.telegram.bot_api import BotApi
from intercomd.clock import Clock
from intercomd.demarch.tools import DemarchTools
from intercomd.domain.ids import DutyName
from intercomd.domain.leases import Holder
from intercomd.domain.routing import LOCAL, TELEGRAM
from intercomd.gateway.usage import Usage
from intercomd.sandbox.layout import Layout
from intercomd.sandbox.port import SandboxEngine
from intercomd.settings.model import Settings
from intercomd.store.ports import Store
from intercomd.supervision.addresses import AddressBook
from intercomd.supervision.port import Address


@dataclass(frozen=True, slots=True)
class Addresses:
    """The lasting addresses of the static actors."""

    session_store: Address
    commands: Address
    lease_keeper: Address
    outbox: Address
    local: Address
    host_bridge: Address
    telegram: Address
    housekeeper: Address
    hold_watcher: Address
    ipc_watcher: Address
    dispatcher: Address
    message_loop: Address
    scheduler: Address


def addresses_in(book: AddressBook) -> Addresses:
    return Addresses(
        book.address("session_store"),
        book.address("commands"),
        book.address("lease_keeper"),
        book.address("outbox"),
        book.address(f"channels/{LOCAL}"),
        book.address(f"channels/{HOST_BRIDGE}"),
        book.address(f"channels/{TELEGRAM}"),
        book.address("housekeeper"),
        book.address("hold_watcher"),
        book.address("ipc_watcher"),
        book.address("orchestrator/dispatcher"),
        book.address("orchestrator/message_loop"),
        book.address("orchestrator/scheduler"),
    )


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything the actors are made from."""

    settings: Settings
    store: Store
    choose_engine: Callable[[], SandboxEngine]
    make_launcher: Callable[[SandboxEngine], Launcher]
    layout: Layout
    leases: Mapping[DutyName, HeldLease]
    holder: Holder
    is_gone: Callable[[Holder], bool]
    on_lease_change: Callable[[DutyName], None]
    publish_slots: Callable[[SlotsView], None]
    publish_duty: Callable[[DutySeen], None]
    live_board: LiveBoard
    tools: DemarchTools
    aside: Aside
    new_id: Callable[[str], str]
    clock: Clock
    bridged: frozenset[str] = frozenset()
    """Channels whose texts go to the host."""
    publish_in_flight: Callable[[int], None] = lambda _count: None
    """How many texts are with a channel, told once the Outbox stops claiming."""
    end_strays: Sweep = lambda _list_live: 0
    """Ends sandboxes of this install whose run is over."""
    model_usage: Callable[[], Mapping[str, Usage]] = dict
    """What each group has asked of models since the start, by folder."""
    bot: BotApi | None = None
    """Delivers Telegram's texts; None without a token."""
