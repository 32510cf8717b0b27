"""`POST /v1/commands` as clients of the existing system use it: JSON forms, and effects that are really applied."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from intercomd.actors.commands import CommandParts, Commands
from intercomd.actors.session_store import SessionStore
from intercomd.actors.task_commands import TaskCommands
from intercomd.api.views import command_view
from intercomd.clock import SystemClock
from intercomd.daemon.desks import task_desk
from intercomd.daemon.process import IdSource
from intercomd.desk.groups import GroupDesk
from intercomd.desk.why import WhyDesk
from intercomd.domain.chat import Group, IncomingMessage
from intercomd.domain.commands import CommandResult
from intercomd.domain.ids import ChatJid, Folder, InputId, RunId
from intercomd.domain.leases import DISPATCH, Fence, Holder
from intercomd.domain.mailbox import CommandReply, GroupCancelled
from intercomd.domain.rights import CommandPolicy
from intercomd.domain.runs import Outcome
from intercomd.store.opening import StoreSettings, open_store
from intercomd.store.ports import InputLimits, RetryPolicy, Store
from intercomd.supervision.addresses import AddressBook
from intercomd.supervision.port import Address, ChildSpec, Context, SupervisorSpec
from intercomd.supervision.tree import SupervisionTree
from tests.support.waiting import Probe

JID, COOKS = ChatJid("tg:-100"), Folder("cooks")


@dataclass
class Kitchen:
    """A group with a session, and the Commands actor over it."""

    store: Store
    commands: Address
    told: Probe[object]
    is_orchestrating: bool = True

    def ask(self, command: str, args: str = "", **claims: Any) -> dict[str, Any]:
        """The JSON that a client gets."""
        result = self.commands.ask(CommandReply(JID, command, args, **claims), timedelta(seconds=5))
        assert isinstance(result, CommandResult)
        view: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(command_view(result)))
        return view

    def open_run(self) -> None:
        now = SystemClock().now()
        epoch = self.store.leases.take(DISPATCH, None, Holder("boot", 1, 1))
        assert epoch is not None
        self.store.chats.ingest(IncomingMessage(JID, "m1", "u", "Uma", "hello", now), now)
        fence = Fence(DISPATCH, epoch)
        assert self.store.runs.open_run(fence, COOKS, RunId("r"), InputId("i"), InputLimits(), now)

    def fail_run(self) -> None:
        self.store.runs.end_run(RunId("r"), Outcome.FAILED, "boom", RetryPolicy(()), SystemClock().now())


class _Recorder:
    def __init__(self, probe: Probe[object]) -> None:
        self._probe = probe

    def handle(self, item: object) -> object:
        self._probe.record(item)
        return None


@pytest.fixture
def kitchen(tmp_path: Path) -> Iterator[Kitchen]:
    clock = SystemClock()
    store = open_store(StoreSettings(assistant_name="Ada", main_folder="main", sqlite_path=tmp_path / "intercom.db"))
    store.groups.add(Group(JID, "Cooks", COOKS, requires_trigger=False), clock.now())
    book = AddressBook(clock)
    told: Probe[object] = Probe()
    kitchen = Kitchen(store, book.address("commands"), told)

    def commands(context: Context) -> Commands:
        elsewhere = book.address("elsewhere")
        parts = CommandParts(
            store=store,
            sessions=book.address("sessions"),
            dispatcher=elsewhere,
            message_loop=elsewhere,
            outbox=elsewhere,
            assistant_name="Ada",
            default_model="claude-opus-4-6",
            new_id=IdSource(clock),
            clock=clock,
            tasks=TaskCommands(task_desk(store, clock, IdSource(clock), "UTC", elsewhere), "main"),
            groups=GroupDesk(store, "main", lambda: None, clock),
            main_folder="main",
            policy=CommandPolicy(),
            why=WhyDesk(store, clock, ZoneInfo("UTC"), lambda: None, has_scheduler=True),
            is_orchestrating=lambda: kitchen.is_orchestrating,
        )
        return Commands(parts, context)

    children = (
        ChildSpec("elsewhere", lambda _context: _Recorder(told)),
        ChildSpec("sessions", lambda _context: SessionStore(store.sessions, clock)),
        ChildSpec("commands", commands),
    )
    tree = SupervisionTree(SupervisorSpec("root", children=children), book, clock=clock)
    tree.start()
    yield kitchen
    assert tree.stop(timedelta(seconds=5)) == ()
    store.close()


def test_command_effects_reset(kitchen: Kitchen) -> None:
    """With a live run of ours both effects are listed, the run is stopped and the generation raised."""
    kitchen.open_run()
    answer = kitchen.ask("reset")
    assert answer == {
        "text": "Session cleared. Running container stopped. Next message will start a fresh session.",
        "effects": ["KillContainer", "ClearSession"],
    }
    assert kitchen.store.runs.get(RunId("r")).outcome is Outcome.STOPPED
    assert kitchen.store.sessions.get(COOKS).generation == 1
    kitchen.told.wait_for(lambda item: item == GroupCancelled(COOKS), "the dispatcher hears of it")


def test_command_effects_reset_believes_our_runs_when_we_orchestrate(kitchen: Kitchen) -> None:
    """The caller's `container_active` counts only while it is the caller who runs the agents."""
    assert kitchen.ask("reset", is_container_active=True)["effects"] == ["ClearSession"]
    kitchen.is_orchestrating = False
    assert kitchen.ask("reset", is_container_active=True)["effects"] == ["KillContainer", "ClearSession"]


def test_command_effects_model_switch(kitchen: Kitchen) -> None:
    """Three effects, the third an object (original.md §19); the group has the model and its runtime."""
    answer = kitchen.ask("model", "gemini-3.1-pro", current_model="claude-opus-4-6")
    assert answer["effects"] == [
        "KillContainer",
        "ClearSession",
        {"SwitchModel": {"model_id": "gemini-3.1-pro", "runtime": "gemini"}},
    ]
    assert answer["parse_mode"] == "Markdown"
    session = kitchen.store.sessions.get(COOKS)
    assert (session.model, session.runtime) == ("gemini-3.1-pro", "gemini")


def test_command_effects_retry(kitchen: Kitchen) -> None:
    """The failed request is pending again; without one nothing is promised."""
    assert kitchen.ask("retry") == {"text": "There is nothing to retry."}
    kitchen.open_run()
    kitchen.fail_run()
    assert kitchen.ask("retry")["effects"] == ["RetryLast"]
    assert kitchen.store.groups.get(COOKS).has_pending
    assert kitchen.store.chats.list_unhandled_commands(5) == []


def test_command_effects_are_none_in_a_chat_that_is_not_registered(kitchen: Kitchen) -> None:
    """The answer follows the caller's claims, and nothing is changed: the store decides who is who (hazard B-44)."""
    result = kitchen.commands.ask(
        CommandReply(ChatJid("tg:9"), "reset", group_name="Cooks", group_folder=COOKS), timedelta(seconds=5)
    )
    assert isinstance(result, CommandResult)
    assert kitchen.store.sessions.get(COOKS).generation == 0
