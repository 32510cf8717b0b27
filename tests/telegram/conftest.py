"""A fake Bot API, our client of it, and the endpoints over both, on every store."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import falcon
import falcon.media
import msgspec
import pytest

from intercomd.actors.held_lease import HeldLease
from intercomd.actors.outbox import Outbox, Route
from intercomd.api.app import App, add_telegram
from intercomd.api.failures import install_failures
from intercomd.api.gate_desk import GateDesk
from intercomd.api.server import ApiServer, ServerOptions
from intercomd.api.telegram import Outgoing, TelegramServices
from intercomd.channels.live import LiveBoard
from intercomd.channels.telegram.bot_api import HttpBotApi
from intercomd.channels.telegram.intake import IntakeRules, TelegramIntake
from intercomd.channels.telegram.presses import QuestionPresses
from intercomd.channels.telegram.relay import TelegramRelay
from intercomd.channels.telegram.sender import DELIVERY_TIMEOUT, TelegramSender
from intercomd.clock import SystemClock
from intercomd.daemon.process import IdSource
from intercomd.demarch.tools import DemarchPolicy, DemarchTools
from intercomd.domain.chat import Group
from intercomd.domain.ids import ChatJid, Folder
from intercomd.domain.leases import Holder, delivery_duty
from intercomd.domain.outbox import OutboxState
from intercomd.domain.routing import TELEGRAM
from intercomd.ipc.outbox_files import OutboxFiles
from intercomd.settings.values import BindAddress
from intercomd.store.ports import Store
from intercomd.supervision.addresses import AddressBook
from intercomd.supervision.port import Actor, Address, ChildSpec, Context, SupervisorSpec
from intercomd.supervision.tree import SupervisionTree
from tests.store.conftest import engine, postgres_server, store, store_settings  # noqa: F401 - fixtures
from tests.support.fake_bot_api import TOKEN, FakeBotApi, running_bot_api
from tests.support.waiting import DEADLINE_SECONDS, Probe


@pytest.fixture
def fake() -> Iterator[FakeBotApi]:
    with running_bot_api() as fake:
        yield fake


@pytest.fixture
def bot(fake: FakeBotApi) -> Iterator[HttpBotApi]:
    bot = HttpBotApi(TOKEN, fake.url)
    yield bot
    bot.close()


@dataclass
class Daemon:
    """The endpoints over a real HTTP server, with the outbox and the sender as actors."""

    store: Store
    fake: FakeBotApi
    server: ApiServer
    lease: HeldLease
    message_loop: Probe[object]
    commands: Probe[object]
    tools_folder: Path
    board: LiveBoard
    outbox: Address
    files: OutboxFiles

    def post(self, path: str, body: object) -> tuple[int, dict[str, Any]]:
        host, _, port = self.server.url.removeprefix("http://").rpartition(":")
        connection = HTTPConnection(host, int(port), timeout=DEADLINE_SECONDS)
        try:
            headers = {"Content-Type": "application/json"}
            connection.request("POST", f"/v1/telegram/{path}", json.dumps(body), headers)
            response = connection.getresponse()
            return response.status, json.loads(response.read())
        finally:
            connection.close()

    def ask(self, path: str, body: object) -> dict[str, Any]:
        """The JSON of an answer that must be 200."""
        status, answer = self.post(path, body)
        assert status == 200, answer
        return answer

    def wait_until_sent(self, jid: ChatJid, count: int) -> None:
        """Until so many texts of the chat are recorded as sent."""
        while True:
            news = self.board.look(jid).news
            rows = self.store.outbox.list_recent(jid, 100)
            if sum(row.state is OutboxState.SENT for row in rows) >= count:
                return
            assert self.board.wait(jid, news, DEADLINE_SECONDS)

    def register(self, jid: str, folder: str, **settings: Any) -> None:
        group = Group(ChatJid(jid), f"Group {folder}", Folder(folder), **settings)
        self.store.groups.add(group, SystemClock().now())


class _Recorder:
    def __init__(self, probe: Probe[object]) -> None:
        self._probe = probe

    def handle(self, item: object) -> object:
        self._probe.record(item)
        return None


@pytest.fixture
def daemon(store: Store, fake: FakeBotApi, bot: HttpBotApi, tmp_path: Path) -> Iterator[Daemon]:  # noqa: F811 - the fixture above
    clock = SystemClock()
    book = AddressBook(clock)
    board = LiveBoard()
    duty = delivery_duty(TELEGRAM)
    lease = HeldLease(duty, clock)
    epoch = store.leases.take(duty, None, Holder("boot", 1, 1))
    assert epoch is not None
    lease.gained(epoch, clock.monotonic() + 3600)
    message_loop: Probe[object] = Probe()
    commands: Probe[object] = Probe()
    files = OutboxFiles(tmp_path / "outbox-files")
    tools_folder = tmp_path / "bin"
    tools_folder.mkdir()
    policy = DemarchPolicy(True, True, frozenset(), frozenset({"ic gate override --json"}))
    tools = DemarchTools(policy, tmp_path, {"PATH": f"{tools_folder}:/usr/bin:/bin"})

    def sender(_context: Context) -> Actor:
        outbox = book.address("outbox")
        return TelegramSender(bot, files, outbox, board, lambda claimed: lease.epoch == claimed)

    def outbox(context: Context) -> Actor:
        address = book.address("sender")
        route = Route(TELEGRAM, address, lease, is_idempotent=False, delivery_timeout=DELIVERY_TIMEOUT)
        lifetime = timedelta(hours=1)
        return Outbox(store.outbox, {TELEGRAM: route}, clock, context, resends_unknown=True, text_lifetime=lifetime)

    children = (
        ChildSpec("message_loop", lambda _context: _Recorder(message_loop)),
        ChildSpec("commands", lambda _context: _Recorder(commands)),
        ChildSpec("sender", sender),
        ChildSpec("outbox", outbox),
    )
    tree = SupervisionTree(SupervisorSpec("root", children=children), book, clock=clock)
    rules = IntakeRules("Ada", "main", "claude", {"claude": "claude-opus-4-6", "gemini": "gemini-3.1-pro"})
    intake = TelegramIntake(store, rules, book.address("message_loop"), book.address("commands"), clock)
    relay = TelegramRelay(store.outbox, book.address("outbox"), board, IdSource(clock), clock, waiters=2)

    def may_approve(chat_jid: ChatJid) -> bool:
        found = store.groups.find_by_jid(chat_jid)
        return found is not None and found.group.folder == "main"

    gates = GateDesk(bot, tools, may_approve, clock)
    presses = QuestionPresses(store, book.address("message_loop"), bot, clock)
    app: App = falcon.App()
    app.resp_options.media_handlers[falcon.MEDIA_JSON] = falcon.media.JSONHandler(dumps=msgspec.json.encode)
    install_failures(app)
    add_telegram(app, TelegramServices(intake, Outgoing(bot, relay, gates, presses)))
    options = ServerOptions(threads=4, max_body_bytes=1024 * 1024)
    server = ApiServer(app, BindAddress.parse("127.0.0.1:0"), options, board.release)
    tree.start()
    server.start()
    to_outbox = book.address("outbox")
    yield Daemon(store, fake, server, lease, message_loop, commands, tools_folder, board, to_outbox, files)
    assert server.stop(timedelta(seconds=5))
    assert tree.stop(timedelta(seconds=5)) == ()
    gates.close()
