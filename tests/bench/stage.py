"""The daemon's own parts in this process: real store, actors, runs and sandboxes; only the agent is chosen here.

Nothing is replaced but one child of the tree, the local channel's sender, which notes when it is handed a text.
"""

from __future__ import annotations

import os
import shutil
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from intercomd.actors.slots import SlotsView
from intercomd.channels.live import LiveBoard
from intercomd.channels.local import LocalSender
from intercomd.clock import SystemClock
from intercomd.daemon.launching import SandboxLauncher
from intercomd.daemon.model_access import open_keyring
from intercomd.daemon.parts import Addresses, Parts, addresses_in
from intercomd.daemon.process import IdSource, is_gone, own_holder
from intercomd.daemon.wiring import held_leases, tree_spec
from intercomd.domain.chat import Group, IncomingMessage
from intercomd.domain.ids import ChatJid, Folder
from intercomd.domain.leases import DISPATCH
from intercomd.domain.mailbox import ChatStored, DeliverTexts, Drain, Poll, RenewLeases
from intercomd.gateway.model_gateway import ModelGateway
from intercomd.sandbox.layout import Layout
from intercomd.settings.model import Orchestrator, Settings
from intercomd.store.opening import StoreSettings, open_store
from intercomd.store.ports import Store
from intercomd.supervision.addresses import AddressBook
from intercomd.supervision.port import ChildSpec, DynamicSpec, SupervisorSpec
from intercomd.supervision.tree import SupervisionTree
from tests.actors.aside import InlineAside, no_tools
from tests.bench.agents import CHOICES, Agent

_DEADLINE_S = 120.0
_MEMORY_FOLDER = Path("/dev/shm")
_STOP = timedelta(seconds=10)
_NEVER_MS = 3_600_000
"""The message loop polls when the bench says so, not while it is still writing messages."""
_SOON_MS = 1_000
"""The last agents of a round wait so long for a further text before the next round begins."""


class Deliveries:
    """What the channel was handed, and when (monotonic seconds)."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._handed: list[tuple[float, str]] = []

    def note(self, item: DeliverTexts) -> None:
        now = time.monotonic()
        with self._changed:
            self._handed += [(now, row.text) for row in item.rows]
            self._changed.notify_all()

    @property
    def count(self) -> int:
        return len(self._handed)

    def wait_for(self, count: int) -> list[tuple[float, str]]:
        with self._changed:
            if not self._changed.wait_for(lambda: len(self._handed) >= count, _DEADLINE_S):
                raise TimeoutError(f"{len(self._handed)} of {count} texts were delivered in {_DEADLINE_S:g} s")
            return list(self._handed)


class _WatchedSender(LocalSender):
    def __init__(self, to: Addresses, board: LiveBoard, deliveries: Deliveries) -> None:
        super().__init__(to.outbox, board)
        self._deliveries = deliveries

    def handle(self, item: object) -> object:
        if isinstance(item, DeliverTexts):
            self._deliveries.note(item)
        return super().handle(item)


class _Slots:
    """The Dispatcher's word about its slots, to be waited for."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._view: SlotsView | None = None

    def publish(self, view: SlotsView) -> None:
        with self._changed:
            self._view = view
            self._changed.notify_all()

    def wait_until_idle(self) -> None:
        with self._changed:
            if not self._changed.wait_for(lambda: self._view is not None and not self._view.live, _DEADLINE_S):
                raise TimeoutError(f"the slots are still in use: {self._view}")


class Stage:
    """A running daemon without its API."""

    def __init__(self, to: Addresses, store: Store, deliveries: Deliveries, slots: _Slots) -> None:
        self._to = to
        self._store = store
        self.deliveries = deliveries
        self.slots = slots

    def answer_all(self, groups: int) -> float:
        """Have everything that is stored answered, one run a group; the seconds until the last reply was handed on."""
        before = self.deliveries.count
        began = time.monotonic()
        self._to.message_loop.hint(Poll())
        self.deliveries.wait_for(before + groups)
        seconds = time.monotonic() - began
        self.slots.wait_until_idle()
        return seconds

    def say(self, number: int) -> float:
        """Store a text in a group's chat as a channel does; when it was stored (monotonic seconds)."""
        chat_jid = _write(self._store, number)
        stored_at = time.monotonic()
        self._to.message_loop.hint(ChatStored(chat_jid))
        return stored_at


@contextmanager
def staged(home: Path, store: Store, agent: Agent, slots: int) -> Iterator[Stage]:
    """The parts, started and stopped in order; no sandbox outlives the block."""
    orchestrator = Orchestrator(max_concurrent_containers=slots, poll_interval_ms=_NEVER_MS, idle_timeout_ms=_SOON_MS)
    layout = Layout(home / "data", home / "groups", "bench")
    clock, book = SystemClock(), AddressBook()
    gateway = ModelGateway(home / "data/gateway", open_keyring(home / "data", {}, clock), clock)
    leases = held_leases(clock)
    deliveries, view, board, has_lease = Deliveries(), _Slots(), LiveBoard(), threading.Event()
    to = addresses_in(book)
    parts = Parts(
        settings=Settings(orchestrator=orchestrator),
        store=store,
        choose_engine=agent.engine,
        make_launcher=lambda engine: SandboxLauncher(engine, layout, CHOICES, gateway, clock),
        layout=layout,
        leases=leases,
        holder=own_holder(),
        is_gone=is_gone,
        on_lease_change=lambda duty: has_lease.set() if duty == DISPATCH else None,
        publish_slots=view.publish,
        publish_duty=lambda _seen: None,
        live_board=board,
        tools=no_tools(),
        aside=InlineAside(),
        new_id=IdSource(clock),
        clock=clock,
    )
    sender = ChildSpec("local", lambda context: _WatchedSender(to, board, deliveries))
    tree = SupervisionTree(_with_sender(tree_spec(parts, book), sender), book, clock=clock)
    tree.start()
    try:
        parts.leases[DISPATCH].is_wanted = True
        to.lease_keeper.tell(RenewLeases())
        if not has_lease.wait(_DEADLINE_S):
            raise TimeoutError("the dispatch lease was not to be had")
        tree.activate("orchestrator")
        yield Stage(to, store, deliveries, view)
        to.dispatcher.hint(Drain(timedelta(0)))
        view.wait_until_idle()
    finally:
        tree.stop(_STOP)


def register(store: Store, groups: int) -> None:
    """Make the chats 0, 1, … groups."""
    for number in range(groups):
        _register(store, number)


def _register(store: Store, number: int) -> None:
    now = SystemClock().now()
    store.groups.add(Group(_jid(number), f"g{number}", Folder(f"g{number}"), requires_trigger=False), now)


def write_to_all(store: Store, groups: int, messages: int = 1) -> None:
    """Store texts in every group's chat, and tell nobody."""
    for number in range(groups):
        for _ in range(messages):
            _write(store, number)


def fill_sqlite(path: Path, groups: int, messages: int) -> None:
    """Make a database with groups and texts in each; in memory first, where a commit costs nothing."""
    draft = (_MEMORY_FOLDER if _MEMORY_FOLDER.is_dir() else path.parent) / f"intercom-bench-{os.getpid()}.db"
    store = open_store(StoreSettings(assistant_name="Bench", main_folder="main", sqlite_path=draft))
    try:
        register(store, groups)
        write_to_all(store, groups, messages)
    finally:
        store.close()
        shutil.move(draft, path)


def _write(store: Store, number: int) -> ChatJid:
    now = SystemClock().now()
    message = IncomingMessage(_jid(number), uuid.uuid4().hex, "You", "You", "hello", now, is_group=False)
    store.chats.ingest(message, now)
    return message.chat_jid


def _jid(number: int) -> ChatJid:
    return ChatJid(f"local:g{number}")


def _with_sender(spec: SupervisorSpec, sender: ChildSpec) -> SupervisorSpec:
    """The tree with another child below `channels`: a tree is data until it is started."""

    def changed(child: ChildSpec | SupervisorSpec | DynamicSpec) -> ChildSpec | SupervisorSpec | DynamicSpec:
        is_channels = isinstance(child, SupervisorSpec) and child.name == "channels"
        return replace(child, children=(sender,)) if isinstance(child, SupervisorSpec) and is_channels else child

    return replace(spec, children=tuple(changed(child) for child in spec.children))
