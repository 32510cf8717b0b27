"""The bridge to the host: what is reported about a text, whatever the host does with it (hazards B-39, B-85)."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection

import pytest

from intercomd.channels.host_bridge import HostBridge
from intercomd.channels.host_client import HostClient
from intercomd.clock import SystemClock
from intercomd.domain.ids import ChatJid, Epoch, OutboxId, RunId
from intercomd.domain.mailbox import DeliverTexts, Heartbeat, LiveText, TextDelivered, TextNotDelivered, TextsRecorded
from intercomd.domain.outbox import Attachment, OutboxRow, OutboxState, TextKind
from tests.support.fake_host import Drip, Drop, FakeHost, Hang, Refuse, Step

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
FAMILY = ChatJid("120363@g.us")
EPOCH = Epoch(3)
SOON = timedelta(seconds=0.2)
AMPLE = timedelta(seconds=10)


@dataclass
class Mailbox:
    """Where hints end up."""

    items: list[object] = field(default_factory=list)

    def hint(self, item: object) -> bool:
        self.items.append(item)
        return True


@dataclass
class Lease:
    epoch: Epoch | None = EPOCH
    is_usable: bool = True


class Bridge:
    """The actor, and what it tells the Outbox."""

    def __init__(self, url: str, timeout: timedelta = AMPLE) -> None:
        self.lease = Lease()
        self._outbox = Mailbox()
        client = HostClient(url, timeout, SystemClock())
        self._actor = HostBridge(client, self._outbox, {"whatsapp": self.lease})

    def deliver(self, *rows: OutboxRow) -> list[object]:
        """What the Outbox is told about these rows."""
        self._outbox.items.clear()
        self._actor.handle(DeliverTexts(rows, EPOCH))
        return list(self._outbox.items)

    def fail(self, row: OutboxRow) -> TextNotDelivered:
        (report,) = self.deliver(row)
        assert isinstance(report, TextNotDelivered)
        return report

    def ask(self, item: object) -> object:
        return self._actor.handle(item)


def text(key: str, content: str = "hello", *, chat_jid: ChatJid = FAMILY, is_repeat: bool = False) -> OutboxRow:
    """A claimed row."""
    return OutboxRow(
        outbox_id=OutboxId(key),
        chat_jid=chat_jid,
        channel="whatsapp",
        position=1,
        kind=TextKind.REPLY,
        text=content,
        state=OutboxState.SENDING,
        attempts=1,
        is_repeat=is_repeat,
        epoch=EPOCH,
        run_id=None,
        created_at=NOON,
        not_before=None,
        channel_ids=(),
        error=None,
    )


@pytest.fixture
def host() -> Iterator[FakeHost]:
    with FakeHost() as running:
        yield running


@pytest.fixture
def dead_url() -> str:
    """An address at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"http://127.0.0.1:{server.getsockname()[1]}"


def test_text_reaches_the_host_with_its_outbox_id(host: FakeHost) -> None:
    """The wire is that of the existing system, with the outbox id added; every character arrives (hazard B-100)."""
    assert Bridge(host.url).deliver(text("a", "naïve 😀")) == [TextDelivered(OutboxId("a"), ())]
    assert host.shown == [{"chat_jid": FAMILY, "text": "naïve 😀", "sender": None, "outbox_id": "a"}]


def test_file_reaches_the_host_as_the_line_that_names_it(host: FakeHost) -> None:
    """The host has no call for files; people learn where it is (original.md §15.1)."""
    line = "[file menu.pdf, 4 bytes: menu.pdf in the group's folder kitchen]"
    row = replace(text("a", line), attachment=Attachment("menu.pdf", 4))
    assert Bridge(host.url).deliver(row) == [TextDelivered(OutboxId("a"), ())]
    assert [shown["text"] for shown in host.shown] == [line]


def test_repeated_text_carries_a_mark(host: FakeHost) -> None:
    """What may be there already says so."""
    Bridge(host.url).deliver(text("a", "hello", is_repeat=True))
    assert host.wait_for_texts(FAMILY, 1) == ["(may be a duplicate)\nhello"]


@pytest.mark.parametrize(
    ("step", "may_have_arrived", "is_permanent"),
    [
        (Refuse(500, f"No channel for JID: {FAMILY}"), False, False),
        (Refuse(503, "the store is away"), False, False),
        (Refuse(404, "Unknown route: /"), False, False),
        (Refuse(429, "slowly"), False, False),
        (Refuse(400, "Missing chat_jid or text"), False, True),
        (Refuse(413, "Body too large"), False, True),
        (Refuse(500, "socket hang up"), True, False),
        (Refuse(502, "who knows"), True, False),
        (Drop(), True, False),
    ],
    ids=str,
)
def test_failure_says_whether_the_text_may_be_there(
    host: FakeHost, step: Step, may_have_arrived: bool, is_permanent: bool
) -> None:
    """A refusal is tried again, a text that is wrong is not, and what nobody knows is unknown."""
    host.script(step)
    report = Bridge(host.url).fail(text("a"))
    assert (report.may_have_arrived, report.is_permanent) == (may_have_arrived, is_permanent)
    if isinstance(step, Refuse):
        assert step.error in report.error


def test_text_that_never_left_is_tried_again(dead_url: str) -> None:
    """Without a host nothing was written, and the text waits for it."""
    report = Bridge(dead_url).fail(text("a"))
    assert (report.may_have_arrived, report.is_permanent) == (False, False)
    assert dead_url in report.error


@pytest.mark.parametrize("step", [Hang(), Drip()], ids=str)
def test_host_that_does_not_answer_leaves_the_text_unknown(host: FakeHost, step: Step) -> None:
    """One deadline ends the wait, whether nothing comes or a byte now and then; the host may have shown the text."""
    host.script(step)
    assert Bridge(host.url, SOON).fail(text("a")).may_have_arrived


def test_host_that_answers_nonsense_is_believed_by_its_status(host: FakeHost) -> None:
    """An error without the known key is an error all the same."""
    host.script(Refuse(500, ""))
    assert Bridge(host.url).fail(text("a")).error == "the host refused the text with 500"


def test_one_refused_text_holds_up_no_other_chat(host: FakeHost) -> None:
    """Texts of one batch are of different chats; each has its own fate."""
    host.script(Refuse(500, "No channel for JID: 1@g.us"))
    first, second = Bridge(host.url).deliver(text("a", chat_jid=ChatJid("1@g.us")), text("b"))
    assert isinstance(first, TextNotDelivered)
    assert second == TextDelivered(OutboxId("b"), ())


def test_nothing_is_sent_without_the_lease(host: FakeHost) -> None:
    """Under an epoch that is over the next owner has the text; suspended, it waits (hazard B-112)."""
    bridge = Bridge(host.url)
    bridge.lease.is_usable = False
    assert not bridge.fail(text("a")).may_have_arrived
    bridge.lease.epoch = Epoch(EPOCH + 1)
    assert bridge.deliver(text("a")) == []
    assert host.asked == []


def test_bridge_takes_what_a_channel_takes(host: FakeHost) -> None:
    """It answers a heartbeat, needs neither live texts nor what was recorded, and refuses what is not for channels."""
    bridge = Bridge(host.url)
    assert bridge.ask(Heartbeat()) == "ok"
    assert bridge.ask(TextsRecorded((FAMILY,))) is None
    assert bridge.ask(LiveText(FAMILY, RunId("r"), "…", None)) is None
    with pytest.raises(TypeError):
        bridge.ask(TextDelivered(OutboxId("a"), ()))


def test_fake_host_keeps_to_the_wire_it_stands_for(host: FakeHost) -> None:
    """An independent client finds the paths and answers of the existing system."""
    connection = HTTPConnection("127.0.0.1", host.port, timeout=5)
    try:
        answers = []
        for path in ("/v1/ipc/send-message", "/v1/ipc/send-message?x=1"):
            connection.request("POST", path, json.dumps({"chat_jid": FAMILY, "text": "t"}))
            response = connection.getresponse()
            answers.append((response.status, json.loads(response.read())))
    finally:
        connection.close()
    assert answers == [(200, {"status": "ok"}), (404, {"error": "Unknown route: /v1/ipc/send-message?x=1"})]
    assert [body["text"] for body in host.shown] == ["t"]
