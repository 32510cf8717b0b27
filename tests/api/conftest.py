"""A running API: the real server on a free port, the real SQLite store, a real tree with small actors."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from intercomd.actors.hold_watcher import DutySeen, HoldWatcher
from intercomd.api.app import App, create_app
from intercomd.api.server import ApiServer, ServerOptions
from intercomd.api.services import Facts, Services
from intercomd.api.telegram import TelegramServices
from intercomd.channels.live import LiveBoard
from intercomd.channels.local import LocalChannel, LocalHints, LocalSender
from intercomd.channels.telegram.intake import IntakeRules, TelegramIntake
from intercomd.clock import SystemClock
from intercomd.daemon.boards import Board
from intercomd.daemon.control import Control
from intercomd.daemon.operator_desk import OperatorDesk
from intercomd.daemon.process import IdSource
from intercomd.demarch.tools import DemarchPolicy, DemarchTools
from intercomd.desk.tasks import TaskDesk, TaskPolicy
from intercomd.desk.why import WhyDesk
from intercomd.domain.commands import ChatFacts, answer
from intercomd.domain.leases import DISPATCH, Holder
from intercomd.domain.mailbox import CommandReply, Heartbeat
from intercomd.domain.orchestrator import OrchestratorView, State
from intercomd.domain.preflight import Finding
from intercomd.gateway.usage import Usage
from intercomd.settings.values import BindAddress
from intercomd.store.opening import StoreSettings, open_store
from intercomd.store.ports import Store
from intercomd.supervision.addresses import AddressBook
from intercomd.supervision.port import Actor, ChildSpec, Context, SupervisorSpec
from intercomd.supervision.tree import SupervisionTree
from tests.support.waiting import DEADLINE_SECONDS, Probe, wait_for

GRACE = timedelta(seconds=5)


@dataclass
class Orchestrator:
    """What the daemon would publish; tests change it."""

    is_wanted: bool = False
    state: str = "idle"
    reason: str | None = None
    is_scheduling: bool = False


@dataclass
class Slots:
    limit: int = 3
    used: int = 1
    live: tuple[str, ...] = ("main",)
    idle: tuple[str, ...] = ()
    waiting: int = 0
    waiting_tasks: int = 0
    oldest_waiting_since: datetime | None = None


class Recorder:
    """An actor that records what it is told."""

    def __init__(self, probe: Probe[object]) -> None:
        self._probe = probe

    def handle(self, item: object) -> object:
        self._probe.record(item)
        return "ok"


@dataclass
class Gate:
    """Where an actor can be held in the middle of an item."""

    opened: threading.Event = field(default_factory=threading.Event)
    reached: threading.Event = field(default_factory=threading.Event)

    def pass_through(self) -> None:
        self.reached.set()
        wait_for(self.opened, "the gate opens")


class Answering:
    """Answers commands by the domain's rules; `/hold` waits at the gate and `/crash` crashes. Records hints."""

    def __init__(self, gate: Gate, hints: Probe[object]) -> None:
        self._gate = gate
        self._hints = hints

    def handle(self, item: object) -> object:
        if isinstance(item, Heartbeat):
            return "ok"
        if not isinstance(item, CommandReply):
            self._hints.record(item)
            return None
        if item.command == "crash":
            raise RuntimeError("as asked")
        if item.command == "hold":
            self._gate.pass_through()
        facts = ChatFacts(
            item.chat_jid,
            item.group_name,
            item.group_folder,
            item.current_model,
            item.session_id,
            item.is_container_active,
            "Amtiskaw",
            timedelta(minutes=5),
        )
        return answer(item.command, item.args, facts)


@dataclass
class Reply:
    """An HTTP answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.body)

    @property
    def problem(self) -> Any:
        """The body, which must be a problem document that fits the status."""
        assert self.headers["content-type"] == "application/problem+json", self
        document = self.json
        assert document["status"] == self.status
        assert {"type", "title"} <= document.keys()
        return document


@dataclass
class Api:
    """The running API and the parts that tests look at or change."""

    server: ApiServer
    app: App
    services: Services
    store: Store
    board: LiveBoard
    local: LocalChannel
    orchestrator: Orchestrator
    message_loop: Probe[object]
    outbox: Probe[object]
    commands: Probe[object]
    dispatcher: Probe[object]
    commands_gate: Gate
    tell_sender: Callable[[object], None]
    group_changes: Probe[str]
    task_changes: Probe[str]

    @property
    def address(self) -> tuple[str, int]:
        host, _, port = self.server.url.removeprefix("http://").rpartition(":")
        return host, int(port)

    def connect(self) -> HTTPConnection:
        return HTTPConnection(*self.address, timeout=DEADLINE_SECONDS)

    def call(self, method: str, path: str, body: object = None, headers: dict[str, str] | None = None) -> Reply:
        """One request on a connection of its own; a body that is not bytes is sent as JSON."""
        sent = dict(headers or {})
        if body is not None and not isinstance(body, bytes):
            body = msgspec.json.encode(body)
            sent.setdefault("Content-Type", "application/json")
        connection = self.connect()
        try:
            connection.request(method, path, body=body, headers=sent)
            return read_reply(connection)
        finally:
            connection.close()

    def get(self, path: str) -> Any:
        """The JSON of an answer that must be 200."""
        reply = self.call("GET", path)
        assert reply.status == 200, reply
        return reply.json


def read_reply(connection: HTTPConnection) -> Reply:
    response = connection.getresponse()
    headers = {name.lower(): value for name, value in response.getheaders()}
    return Reply(response.status, headers, response.read())


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    settings = StoreSettings(assistant_name="Amtiskaw", main_folder="main", sqlite_path=tmp_path / "intercom.db")
    opened = open_store(settings)
    yield opened
    opened.close()


@pytest.fixture
def threads() -> int:
    """Worker threads of the server; a module may have its own number."""
    return 4


@pytest.fixture
def api(store: Store, threads: int) -> Iterator[Api]:
    clock = SystemClock()
    book = AddressBook(clock)
    board = LiveBoard()
    duty = Board(DutySeen())
    gate = Gate()
    message_loop: Probe[object] = Probe()
    outbox: Probe[object] = Probe()
    commands: Probe[object] = Probe()
    dispatcher: Probe[object] = Probe()
    group_changes: Probe[str] = Probe()
    task_changes: Probe[str] = Probe()
    local = LocalChannel(
        store, clock, LocalHints(book.address("message_loop"), book.address("commands")), board, registers_chats=True
    )

    def child(name: str, make: Callable[[], Actor]) -> ChildSpec:
        def factory(_context: Context) -> Actor:
            return make()

        return ChildSpec(name, factory)

    tree = SupervisionTree(
        SupervisorSpec(
            "root",
            children=(
                child("commands", lambda: Answering(gate, commands)),
                child("message_loop", lambda: Recorder(message_loop)),
                child("dispatcher", lambda: Recorder(dispatcher)),
                child("outbox", lambda: Recorder(outbox)),
                child("local", lambda: LocalSender(book.address("outbox"), board)),
                ChildSpec(
                    "hold_watcher",
                    lambda context: HoldWatcher(DISPATCH, store.holds, store.leases, duty.publish, context),
                ),
            ),
        ),
        book,
        clock=clock,
    )
    orchestrator = Orchestrator()
    view = OrchestratorView(False, False, None, State.IDLE, "orchestrator.enabled is false", clock.monotonic())
    services = Services(
        store=store,
        commands=book.address("commands"),
        message_loop=book.address("message_loop"),
        dispatcher=book.address("dispatcher"),
        leaves={name: book.address(name) for name in ("commands", "local")},
        orchestrator_leaves={"outbox": book.address("outbox")},
        snapshot=tree.snapshot,
        local=local,
        facts=Facts(
            orchestrator=lambda: orchestrator,
            slots=Slots,
            is_telegram_enabled=lambda: False,
            runtime_profiles=("claude", "echo"),
            default_runtime="echo",
            restricts_demarch_writes=True,
            is_scheduler_active=lambda: orchestrator.is_scheduling,
            model_usage=lambda: {"cooks": Usage(2, 300, 40)},
        ),
        on_groups_changed=lambda: group_changes.record("changed"),
        clock=clock,
        started_at=clock.monotonic(),
        version="9.9.9",
        bind="127.0.0.1:0",
        desk=OperatorDesk(
            store.holds, book.address("hold_watcher"), Control(), Board(view), duty, Holder("boot", 1, 1), clock
        ),
        telegram=TelegramServices(
            TelegramIntake(
                store,
                IntakeRules("Amtiskaw", "main", "echo", {"claude": "claude-opus-4-6", "echo": "echo"}),
                book.address("message_loop"),
                book.address("commands"),
                clock,
            ),
            outgoing=None,
        ),
        demarch=DemarchTools(DemarchPolicy(False, True, frozenset(), frozenset()), Path("/"), {}),
        why=WhyDesk(store, clock, ZoneInfo("Europe/Vienna"), lambda: "the orchestrator is idle", has_scheduler=True),
        tasks=TaskDesk(
            store, clock, IdSource(clock), TaskPolicy("Europe/Vienna"), lambda: task_changes.record("changed")
        ),
        preflight=lambda: [Finding("store", True, "it answers"), Finding("disk", False, "it is full")],
    )
    app = create_app(services, None, threads)
    server = ApiServer(
        app,
        BindAddress.parse("127.0.0.1:0"),
        ServerOptions(threads=threads, max_body_bytes=64 * 1024),
        board.release,
    )
    tree.start()
    server.start()
    yield Api(
        server,
        app,
        services,
        store,
        board,
        local,
        orchestrator,
        message_loop,
        outbox,
        commands,
        dispatcher,
        gate,
        book.address("local").tell,
        group_changes,
        task_changes,
    )
    gate.opened.set()
    assert server.stop(GRACE)
    assert tree.stop(GRACE) == ()


@pytest.fixture
def services(api: Api) -> Services:
    """What the running API is given, for a further application."""
    return api.services
