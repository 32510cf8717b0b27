"""The callback server over the wire, on a real store: the table of original.md §15.1, row by row."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from intercomd.api.server import ApiServer, ServerOptions
from intercomd.clock import Clock, SystemClock
from intercomd.daemon.process import IdSource
from intercomd.desk.chat_tools import ChatTools
from intercomd.desk.groups import GroupDesk
from intercomd.desk.history import HistoryDesk
from intercomd.desk.messages import MessageDesk
from intercomd.desk.snapshots import Snapshots
from intercomd.desk.task_tools import task_tools
from intercomd.desk.tasks import TaskDesk, TaskPolicy
from intercomd.desk.tools import Toolbox
from intercomd.domain.chat import Group, IncomingMessage
from intercomd.domain.ids import ChatJid, Folder
from intercomd.domain.mailbox import OutboxFilled
from intercomd.host.callback import MOST_BODY_BYTES, Callback, CallbackParts, create_callback_app
from intercomd.host.forwarding import TaskForwarding
from intercomd.ipc.outbox_files import OutboxFiles
from intercomd.settings.values import BindAddress
from intercomd.store.opening import StoreSettings, open_store
from intercomd.store.ports import Store
from tests.support.daemon_client import Answer, DaemonClient

KITCHEN = ChatJid("local:kitchen")
SEND = "/v1/ipc/send-message"
FORWARD = "/v1/ipc/forward-task"
OK = {"status": "ok"}
NOW = SystemClock().now()


@dataclass
class Outbox:
    """The address of the outbox: what it was told."""

    name: str = "outbox"
    items: list[object] = field(default_factory=list)

    def hint(self, item: object) -> bool:
        self.items.append(item)
        return True

    def tell(self, item: object) -> None:
        self.items.append(item)

    def ask(self, item: object, timeout: timedelta) -> object:
        raise AssertionError("nobody asks the outbox")


@dataclass
class Host:
    store: Store
    path: Path
    client: DaemonClient
    outbox: Outbox

    def send(self, path: str, value: object) -> Answer:
        return self.client.request("POST", path, value if isinstance(value, bytes) else json.dumps(value).encode())

    def texts(self) -> list[tuple[str, str]]:
        """What stands in the outbox, oldest first."""
        return [(row.outbox_id, row.text) for row in reversed(self.store.outbox.list_recent(KITCHEN, 100))]


def tools_of_agents(store: Store, root: Path, clock: Clock) -> Toolbox:
    """The tools that tasks of agents are carried out with."""

    def nobody_listens() -> None:
        """Whoever would be woken is not there."""

    groups = GroupDesk(store, "main", nobody_listens, clock)
    chats = ChatTools(
        MessageDesk(store, root / "groups", OutboxFiles(root / "outbox-files"), 4096, nobody_listens, clock),
        groups,
        HistoryDesk(store, clock),
        Snapshots(store, groups, root / "views", clock),
        store.questions,
        clock,
    )
    tasks = TaskDesk(store, clock, IdSource(clock), TaskPolicy("UTC"), nobody_listens)
    return {**chats.toolbox(), **task_tools(tasks, store.groups)}


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    """A host that owns the local channel and knows one chat there, which is the group `cooks`."""
    path = tmp_path / "intercom.db"
    busy = timedelta(seconds=0.2)
    store = open_store(
        StoreSettings(assistant_name="Ada", main_folder="main", sqlite_path=path, acquire_timeout=busy)
    )
    store.chats.ingest(IncomingMessage(KITCHEN, "1", "u", "Uma", "hello", NOW), NOW)
    outbox = Outbox()
    clock = SystemClock()
    tasks = TaskForwarding(store.groups, "main", tools_of_agents(store, path.parent, clock))
    callback = Callback(CallbackParts(store, outbox, {"local"}, "Ada", tasks, IdSource(clock), clock))
    options = ServerOptions(2, MOST_BODY_BYTES)
    server = ApiServer(create_callback_app(callback), BindAddress.parse("127.0.0.1:0"), options, lambda: None)
    server.start()
    yield Host(store, path, DaemonClient(server.url), outbox)
    server.stop(timedelta(seconds=5))
    store.close()


@pytest.mark.parametrize(
    ("method", "url", "body", "status", "answer"),
    [
        ("GET", "/healthz", b"", 200, {"status": "ok", "service": "intercom-host"}),
        ("GET", "/v1/ipc/registered-groups", b"", 200, {}),
        ("POST", SEND, b'{"chat_jid":"local:kitchen","text":"hi"}', 200, OK),
        ("POST", SEND, b'{"chat_jid":"local:kitchen","text":"hi","sender":"Bo","later":1}', 200, OK),
        ("POST", SEND, b"{}", 400, {"error": "Missing chat_jid or text"}),
        ("POST", SEND, b'{"chat_jid":"local:kitchen"}', 400, {"error": "Missing chat_jid or text"}),
        ("POST", SEND, b'{"chat_jid":"local:kitchen","text":""}', 400, {"error": "Missing chat_jid or text"}),
        ("POST", SEND, b'{"chat_jid":"","text":"hi"}', 400, {"error": "Missing chat_jid or text"}),
        ("POST", SEND, b'{"chat_jid":7,"text":"hi"}', 400, {"error": "Missing chat_jid or text"}),
        ("POST", SEND, b"null", 400, {"error": "Missing chat_jid or text"}),
        ("POST", SEND, b'{"chat_jid":"1@g.us","text":"hi"}', 500, {"error": "No channel for JID: 1@g.us"}),
        ("POST", SEND, b'{"chat_jid":"tg:1","text":"hi"}', 500, {"error": "No channel for JID: tg:1"}),
        ("POST", SEND, b'{"chat_jid":"local:new","text":"hi"}', 500, {"error": "No channel for JID: local:new"}),
        ("POST", SEND, b"{", 400, {"error": "Invalid JSON"}),
        ("POST", SEND, b"", 400, {"error": "Invalid JSON"}),
        ("POST", SEND, b'{"text":"\xff"}', 400, {"error": "Invalid JSON"}),
        ("POST", SEND, b"[" * 100_000, 400, {"error": "Invalid JSON"}),
        ("POST", FORWARD, b"{}", 400, {"error": "Missing task or group_folder"}),
        ("POST", FORWARD, b'{"task":{}}', 400, {"error": "Missing task or group_folder"}),
        ("POST", FORWARD, b'{"task":"x","group_folder":"f"}', 400, {"error": "Missing task or group_folder"}),
        ("POST", FORWARD, b'{"task":{},"group_folder":""}', 400, {"error": "Missing task or group_folder"}),
        ("POST", "/healthz", b"{}", 404, {"error": "Unknown route: /healthz"}),
        ("POST", f"{SEND}?x=1", b"{}", 404, {"error": f"Unknown route: {SEND}?x=1"}),
        ("POST", f"{SEND}/", b"{}", 404, {"error": f"Unknown route: {SEND}/"}),
        ("POST", "/v1/ipc/send%2Dmessage", b"{}", 404, {"error": "Unknown route: /v1/ipc/send%2Dmessage"}),
        ("POST", "/", b"no JSON", 404, {"error": "Unknown route: /"}),
        ("GET", "/healthz?x=1", b"", 405, {"error": "Method not allowed"}),
        ("GET", SEND, b"", 405, {"error": "Method not allowed"}),
        ("PUT", SEND, b"{}", 405, {"error": "Method not allowed"}),
        ("DELETE", "/nothing", b"", 405, {"error": "Method not allowed"}),
    ],
)
def test_callback_answers_as_the_existing_host(
    host: Host, method: str, url: str, body: bytes, status: int, answer: object
) -> None:
    """Paths, status codes and error texts are those that clients know; URLs are compared exactly."""
    answered = host.client.request(method, url, body)
    assert (answered.status, answered.json) == (status, answer)
    assert answered.content_type == "application/json"


def test_body_may_have_one_mebibyte(host: Host) -> None:
    """Exactly so much is read; one byte more is refused with 413, the error under its known key."""
    frame = len(json.dumps({"chat_jid": KITCHEN, "text": ""}))
    longest = "x" * (MOST_BODY_BYTES - frame)
    assert host.send(SEND, {"chat_jid": KITCHEN, "text": longest}).status == 200
    assert [len(text) for _, text in host.texts()] == [len(longest)]
    refused = host.send(SEND, {"chat_jid": KITCHEN, "text": longest + "x"})
    assert refused.status == 413
    assert refused.json["error"]


def test_text_is_in_the_outbox_when_the_answer_comes(host: Host) -> None:
    """Accepted means stored, whole and in order, and the outbox hears of it (hazards B-85, B-100)."""
    long_text = "naïve 😀 " * 10_000
    for text in (long_text, "second"):
        assert host.send(SEND, {"chat_jid": KITCHEN, "text": text, "sender": None}).json == OK
    assert [text for _, text in host.texts()] == [long_text, "second"]
    assert host.outbox.items == [OutboxFilled(), OutboxFilled()]


def test_repeated_outbox_id_adds_nothing(host: Host) -> None:
    """A daemon that did not get the answer asks again, marked or not, and the text is shown once."""
    for text in ("hello", "hello", "(may be a duplicate)\nhello"):
        assert host.send(SEND, {"chat_jid": KITCHEN, "text": text, "outbox_id": "r-1:0:0"}).json == OK
    assert host.texts() == [("r-1:0:0", "hello")]


def test_texts_without_an_id_are_all_different(host: Host) -> None:
    """The existing client sends none, and means it each time."""
    for _ in range(2):
        assert host.send(SEND, {"chat_jid": KITCHEN, "text": "again"}).json == OK
    assert [text for _, text in host.texts()] == ["again", "again"]


@pytest.mark.parametrize("outbox_id", [7, "", "x" * 201, ["a"]])
def test_outbox_id_that_is_none_is_refused(host: Host, outbox_id: object) -> None:
    """Guessing would show a text twice or never."""
    answered = host.send(SEND, {"chat_jid": KITCHEN, "text": "hi", "outbox_id": outbox_id})
    assert answered.status == 400
    assert "outbox_id" in answered.json["error"]
    assert host.texts() == []


def test_registered_groups_are_those_of_the_store(host: Host) -> None:
    """Every group has the keys that clients read; what is not set is left out, but for the trigger."""
    plain = Group(KITCHEN, "Cooks", Folder("cooks"), requires_trigger=False)
    rich = Group(
        ChatJid("1@g.us"), "Family", Folder("main"), "!ai", True, "gemini", "gemini-3.1-pro", {"timeout": 5}
    )
    for group in (plain, rich):
        host.store.groups.add(group, NOW)
    groups = host.client.get("/v1/ipc/registered-groups")
    added_at = groups[KITCHEN].pop("added_at")
    assert (len(added_at), added_at[-1]) == (24, "Z")
    assert groups[KITCHEN] == {"name": "Cooks", "folder": "cooks", "trigger": "@Ada", "requiresTrigger": False}
    assert groups["1@g.us"] == {
        "name": "Family",
        "folder": "main",
        "trigger": "!ai",
        "added_at": added_at,
        "requiresTrigger": True,
        "containerConfig": {"timeout": 5},
        "runtime": "gemini",
        "model": "gemini-3.1-pro",
    }


def test_store_that_is_away_is_said_to_be(host: Host) -> None:
    """503 means that nothing happened, and the same text may come again."""
    body = {"chat_jid": KITCHEN, "text": "hi", "outbox_id": "a"}
    with closing(sqlite3.connect(host.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        answered = host.send(SEND, body)
        assert answered.status == 503
        assert answered.json["error"]
        other.execute("ROLLBACK")
    assert host.send(SEND, body).json == OK
    assert host.texts() == [("a", "hi")]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "127.0.0.1:7341"}, 200),
        ({"Host": "localhost:7341"}, 200),
        ({"Host": "evil.example"}, 403),
        ({"Host": "127.0.0.1", "Origin": "http://evil.example"}, 403),
    ],
)
def test_web_pages_do_not_reach_the_host(host: Host, headers: dict[str, str], status: int) -> None:
    """Clients on this machine do, whatever they call it; a page that a browser shows does not (hazard B-43)."""
    answered = host.client.request("GET", "/healthz", headers=headers)
    assert answered.status == status
    assert status == 200 or answered.json["error"]
