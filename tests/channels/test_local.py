"""The local channel on the real SQLite store."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from intercomd.channels.live import LiveBoard
from intercomd.channels.local import LocalChannel, LocalHints, LocalSender, Updates
from intercomd.clock import SystemClock
from intercomd.domain.chat import Group, MessageKind
from intercomd.domain.ids import ChatJid, Epoch, Folder, OutboxId, RunId, Seq
from intercomd.domain.leases import Fence, Holder, delivery_duty
from intercomd.domain.mailbox import (
    ChatStored,
    CommandStored,
    DeliverTexts,
    Heartbeat,
    LiveText,
    TextDelivered,
    TextsRecorded,
)
from intercomd.domain.outbox import NewText, TextKind
from intercomd.errors import InvalidInput
from intercomd.store.opening import StoreSettings, open_store
from intercomd.store.ports import Store
from tests.support.waiting import Probe, join

MAIN = ChatJid("local:main")


@dataclass
class Mailbox:
    """Where hints end up."""

    items: list[object] = field(default_factory=list)

    def hint(self, item: object) -> bool:
        self.items.append(item)
        return True


@dataclass
class World:
    store: Store
    clock: SystemClock = field(default_factory=SystemClock)
    board: LiveBoard = field(default_factory=LiveBoard)
    message_loop: Mailbox = field(default_factory=Mailbox)
    commands: Mailbox = field(default_factory=Mailbox)
    outbox: Mailbox = field(default_factory=Mailbox)

    def channel(self, *, registers_chats: bool = True) -> LocalChannel:
        hints = LocalHints(self.message_loop, self.commands)
        return LocalChannel(self.store, self.clock, hints, self.board, registers_chats=registers_chats)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    settings = StoreSettings(assistant_name="Amtiskaw", main_folder="main", sqlite_path=tmp_path / "intercom.db")
    store = open_store(settings)
    yield World(store)
    store.close()


def test_first_text_makes_the_chat_a_group_that_answers(world: World) -> None:
    """The group has the chat's name as folder and needs no trigger, so the first text is a request already."""
    stored = world.channel().receive("main", "hello", "m-1", "Ann")
    assert (stored.kind, stored.folder, stored.is_new) == (MessageKind.REQUEST, "main", True)
    assert world.message_loop.items == [ChatStored(MAIN)]


def test_same_id_is_stored_once(world: World) -> None:
    """A repeated delivery keeps its place and is announced again, since the first hint may be lost."""
    channel = world.channel()
    first = channel.receive("main", "hello", "m-1", "Ann")
    again = channel.receive("main", "hello", "m-1", "Ann")
    assert (again.seq, again.is_new) == (first.seq, False)
    assert len(channel.updates("main", Seq(0), 10).messages) == 1
    assert len(world.message_loop.items) == 2


def test_chat_stays_unregistered_when_that_is_not_allowed(world: World) -> None:
    """Its texts are kept as context."""
    assert world.channel(registers_chats=False).receive("main", "hello", "m-1", "Ann").kind is MessageKind.CONTEXT
    assert world.store.groups.count() == 0


def test_folder_gets_a_number_when_another_chat_has_it(world: World) -> None:
    """Registering never takes another group's folder (hazard B-101)."""
    world.store.groups.add(Group(ChatJid("tg:1"), "Kitchen", Folder("kitchen")), world.clock.now())
    assert world.channel().receive("kitchen", "hello", "m-1", "Ann").folder == "kitchen-2"


def test_command_is_announced_to_commands_only(world: World) -> None:
    """A slash command is no request."""
    stored = world.channel().receive("main", "/ping", "m-1", "Ann")
    assert world.commands.items == [CommandStored(MAIN, stored.seq)]
    assert world.message_loop.items == []


@pytest.mark.parametrize("name", ["", "a b", "../x", "-x", "x" * 65, "a\n", "a\x00"])
def test_name_is_refused_when_it_is_none(world: World, name: str) -> None:
    """Names are single words, in any script."""
    with pytest.raises(InvalidInput) as caught:
        world.channel().receive(name, "hello", "m-1", "Ann")
    assert caught.value.field == "name"


def test_delivery_is_confirmed_and_shown_once_when_it_is_repeated(world: World) -> None:
    """Delivering a row twice confirms it twice and shows it once: the channel is idempotent."""
    channel, sender = world.channel(), LocalSender(world.outbox, world.board)
    channel.receive("main", "hello", "m-1", "Ann")
    text = NewText(OutboxId("r:1:0"), MAIN, TextKind.REPLY, "hi")
    world.store.outbox.enqueue([text], handled=None, now=world.clock.now())
    epoch = world.store.leases.take(delivery_duty("local"), None, Holder("boot", 1, 1))
    assert epoch is not None
    rows = world.store.outbox.claim(Fence(delivery_duty("local"), epoch), "local", world.clock.now(), 10)
    for _ in range(2):
        sender.handle(DeliverTexts(tuple(rows), Epoch(epoch)))
        world.store.outbox.record_sent([(OutboxId("r:1:0"), ("r:1:0",))], world.clock.now())
    assert world.outbox.items == [TextDelivered(OutboxId("r:1:0"), ("r:1:0",))] * 2
    assert [message.content for message in channel.updates("main", Seq(0), 10).messages] == ["hello", "hi"]


def test_waiting_reader_wakes_when_a_text_is_recorded(world: World) -> None:
    """`TextsRecorded` takes the live text away and wakes the readers of that chat."""
    channel, sender = world.channel(), LocalSender(world.outbox, world.board)
    sender.handle(LiveText(MAIN, RunId("r"), "h", None))
    seen = channel.updates("main", Seq(0), 10).live
    assert (seen.text, seen.is_shown) == ("h", True)
    found: Probe[Updates] = Probe()
    reader = threading.Thread(
        target=lambda: found.record(channel.wait_updates("main", Seq(0), seen.version, timedelta(seconds=30), 10)),
        daemon=True,
    )
    reader.start()
    sender.handle(TextsRecorded((ChatJid("local:other"), MAIN)))
    join(reader)
    assert not found.values[0].live.is_shown


def test_reader_finds_what_nobody_announced(world: World) -> None:
    """A text that another process stored is found by the look once a second."""
    channel = world.channel()
    other = World(world.store).channel()
    found: Probe[Updates] = Probe()
    reader = threading.Thread(
        target=lambda: found.record(channel.wait_updates("main", Seq(0), 0, timedelta(seconds=30), 10)), daemon=True
    )
    reader.start()
    other.receive("main", "hello", "m-1", "Ann")
    join(reader)
    assert [message.content for message in found.values[0].messages] == ["hello"]


def test_sender_answers_a_heartbeat(world: World) -> None:
    """Readiness and the supervisor ask it."""
    assert LocalSender(world.outbox, world.board).handle(Heartbeat()) == "ok"
