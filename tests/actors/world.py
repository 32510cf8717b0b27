"""The whole message path in the simulator: real store, real wiring, virtual time, scripted agents, seeded order."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

from intercomd.actors.hold_watcher import DutySeen
from intercomd.actors.slots import SlotsView
from intercomd.channels.live import LiveBoard
from intercomd.channels.local import LocalChannel, LocalHints, local_jid
from intercomd.daemon.boards import Board, slot_board
from intercomd.daemon.orchestration import Orchestration, Surroundings
from intercomd.daemon.parts import Parts, addresses_in
from intercomd.daemon.wiring import held_leases, tree_spec
from intercomd.domain.chat import ChatMessage, Group, MessageKind
from intercomd.domain.ids import Folder, InputId, Seq, TaskId
from intercomd.domain.leases import DISPATCH, Holder
from intercomd.domain.mailbox import TasksChanged
from intercomd.domain.runs import RunRecord
from intercomd.domain.scheduled import Fire, ScheduledTask
from intercomd.domain.task_rules import TaskDraft, plan_task
from intercomd.sandbox.layout import Layout
from intercomd.settings.model import Channels, Orchestrator, Scheduler, Settings
from intercomd.settings.model import LocalChannel as LocalSettings
from intercomd.store.opening import StoreSettings, open_store
from intercomd.store.ports import Store
from intercomd.supervision.addresses import AddressBook
from intercomd.supervision.port import Actor, Address, Children, ChildSpec, Context, SupervisorSpec
from intercomd.supervision.snapshot import NodeSnapshot
from tests.actors.agents import ScriptedAgents
from tests.actors.aside import InlineAside, no_tools
from tests.support.simulator import Simulation

_MOST_STEPS = 20_000
_TOKEN = re.compile(r"m\d+")


@dataclass
class Sabotage:
    """Crash the first actor whose path starts with `path` when it handles an item called `item`."""

    path: str
    item: str
    is_before: bool
    has_struck: bool = False


class _Sabotaged:
    """An actor that may crash once, just before or just after it handled an item."""

    def __init__(self, actor: Actor, path: str, sabotage: Sabotage) -> None:
        self._actor = actor
        self._path = path
        self._sabotage = sabotage

    def on_start(self) -> None:
        if hasattr(self._actor, "on_start"):
            self._actor.on_start()

    def on_stop(self, reason: object) -> None:
        if hasattr(self._actor, "on_stop"):
            self._actor.on_stop(reason)

    def handle(self, item: object) -> object:
        sabotage = self._sabotage
        strikes = (
            not sabotage.has_struck and self._path.startswith(sabotage.path) and type(item).__name__ == sabotage.item
        )
        if strikes and sabotage.is_before:
            sabotage.has_struck = True
            raise RuntimeError("sabotaged before the item")
        answer = self._actor.handle(item)
        if strikes:
            sabotage.has_struck = True
            raise RuntimeError("sabotaged after the item")
        return answer


class _SabotagedChildren:
    def __init__(self, children: Children, path: str, sabotage: Sabotage) -> None:
        self._children = children
        self._path = path
        self._sabotage = sabotage

    def start(self, spec: ChildSpec) -> Address:
        return self._children.start(_sabotaged(spec, f"{self._path}/{spec.name}", self._sabotage))

    def stop(self, name: str) -> None:
        self._children.stop(name)

    def names(self) -> frozenset[str]:
        return self._children.names()


class _SabotagedBook(AddressBook):
    def __init__(self, book: AddressBook, sabotage: Sabotage) -> None:
        self._book = book
        self._sabotage = sabotage

    def address(self, path: str) -> Address:
        return self._book.address(path)

    def children(self, path: str) -> Children:
        return _SabotagedChildren(self._book.children(path), path, self._sabotage)


def _sabotaged(spec: ChildSpec, path: str, sabotage: Sabotage) -> ChildSpec:
    def make(context: Context) -> Actor:
        return _Sabotaged(spec.factory(context), path, sabotage)

    return replace(spec, factory=make)


def _sabotaged_tree(spec: SupervisorSpec, path: str, sabotage: Sabotage) -> SupervisorSpec:
    children: list[object] = []
    for child in spec.children:
        below = f"{path}/{child.name}".lstrip("/")
        if isinstance(child, SupervisorSpec):
            children.append(_sabotaged_tree(child, below, sabotage))
        elif isinstance(child, ChildSpec):
            children.append(_sabotaged(child, below, sabotage))
        else:
            children.append(child)
    return replace(spec, children=tuple(children))  # type: ignore[arg-type]  # each kind stays what it was


class World:
    """One install. `restart` is a `kill -9` and a new start on the same store."""

    def __init__(
        self, seed: int, root: Path, *, slots: int = 2, sabotage: Sabotage | None = None, idle_s: int = 300
    ) -> None:
        self.random = Random(seed)
        self.seed = seed
        self.agents = ScriptedAgents()
        self.sabotage = sabotage or Sabotage("", "", is_before=True, has_struck=True)
        self.settings = Settings(
            orchestrator=Orchestrator(
                enabled=True, max_concurrent_containers=slots, idle_timeout_ms=1000 * idle_s
            ),
            scheduler=Scheduler(enabled=True),
            channels=Channels(local=LocalSettings(auto_register=True)),
        )
        self.aside = InlineAside()
        self._idle_s = idle_s
        self._root = root
        self._lives = 0
        self._ids = 0
        self.store: Store = open_store(
            StoreSettings(assistant_name="Amtiskaw", main_folder="main", sqlite_path=root / "intercom.db")
        )
        self.sim = self._begin()

    def _begin(self) -> Simulation:
        self._lives += 1
        sim = Simulation(self.random.randrange(2**32))
        if self._lives > 1:
            sim.clock.set_wall(self.sim.clock.now())
        self.book = _SabotagedBook(sim.book, self.sabotage)
        self.board = slot_board(self.settings.orchestrator.max_concurrent_containers)
        self.slot_views: list[SlotsView] = []
        live = LiveBoard()
        duty = Board(DutySeen())
        leases = self.leases = held_leases(sim.clock)
        parts = Parts(
            settings=self.settings,
            store=self.store,
            choose_engine=lambda: self.agents,
            make_launcher=lambda _engine: self.agents,
            layout=Layout(self._root, self._root / "groups", "test"),
            leases=leases,
            holder=Holder("boot", self._lives, 1),
            is_gone=lambda holder: holder.pid < self._lives,
            on_lease_change=lambda _duty: None,
            publish_slots=self._publish,
            publish_duty=duty.publish,
            live_board=live,
            tools=no_tools(),
            aside=self.aside,
            new_id=self._new_id,
            clock=sim.clock,
        )
        to = addresses_in(self.book)
        sim.start(_sabotaged_tree(tree_spec(parts, self.book), "", self.sabotage))
        self.local = LocalChannel(
            self.store, sim.clock, LocalHints(to.message_loop, to.commands), live, registers_chats=True
        )
        tree, lease = _SimulatedTree(sim), leases[DISPATCH]
        self.orchestration = Orchestration(
            Surroundings(tree, lease, to.lease_keeper, to.dispatcher, duty, self.board, sim.clock),
            is_enabled=True,
            grace=timedelta(0),
        )
        return sim

    def _publish(self, view: SlotsView) -> None:
        self.board.publish(view)
        self.slot_views.append(view)

    def _new_id(self, prefix: str) -> str:
        self._ids += 1
        return f"{prefix}-{self._ids:05d}"

    # -- what happens ---------------------------------------------------------------------------------

    def say(self, chat: str, text: str, external_id: str | None = None) -> Seq:
        self._ids += 1
        return self.local.receive(chat, text, external_id or f"x{self._ids}", "Ann").seq

    def add_group(self, folder: str) -> None:
        """Register a chat that nobody has written in."""
        self.store.groups.add(Group(local_jid(folder), folder, Folder(folder), requires_trigger=False), self.now)

    def add_task(self, folder: str, prompt: str, kind: str, value: str, **options: object) -> TaskId:
        """A task of a group, which is registered if need be; see `TaskDraft` for the options."""
        self._ids += 1
        if self.store.groups.find_by_jid(local_jid(folder)) is None:
            self.add_group(folder)
        draft = TaskDraft(folder=Folder(folder), prompt=prompt, schedule_type=kind, schedule_value=value)
        draft = replace(draft, **options)  # type: ignore[arg-type]  # by name
        task = plan_task(draft, TaskId(f"t{self._ids}"), local_jid(folder), "UTC", self.now)
        self.store.tasks.add(task, "test", self.now)
        self.book.address("orchestrator/scheduler").hint(TasksChanged())
        return task.task_id

    def sleep_machine(self, duration: timedelta) -> None:
        """The wall clock goes on, everything else stands still."""
        self.sim.clock.set_wall(self.now + duration)

    def step(self) -> bool:
        """One thing happens, chosen by the seed: an actor handles an item, or an agent acts."""
        able = [sandbox for sandbox in self.agents.alive if sandbox.can_act and not _hangs(sandbox.turns)]
        self.orchestration.adjust()
        if able and self.random.random() < 0.3:
            self.random.choice(able).act()
            return True
        if self.sim.step():
            return True
        if able:
            self.random.choice(able).act()
            return True
        return False

    def settle(self, until: Callable[[], bool] | None = None) -> None:
        """Steps until nothing happens any more without time passing, or `until` is true."""
        for _ in range(_MOST_STEPS):
            if (until is not None and until()) or not self.step():
                return
        raise AssertionError(f"seed {self.seed} never comes to rest:\n" + "\n".join(self.sim.trace[-40:]))

    def pass_time(self, seconds: float, tick: float = 1.0) -> None:
        """Time passes; whatever it sets off happens."""
        for _ in range(round(seconds / tick)):
            self.settle()
            self.sim.advance(timedelta(seconds=tick))
        self.settle()

    def finish(self, seconds: float = 400) -> None:
        """Time passes until nothing is pending, live or undelivered."""
        for _ in range(round(seconds)):
            self.settle()
            if not self.store.groups.count_pending() and not self.store.outbox.count_waiting():
                break
            self.sim.advance(timedelta(seconds=1))
        self.pass_time(self._idle_s + 30, tick=10)

    def drain(self) -> None:
        """An orderly stop without any grace: the orchestrator first, then everything else."""
        self.orchestration.stop()
        for _ in range(60):
            self.sim.run_until_idle()
            self.orchestration.adjust()
            if self.orchestration.has_stopped:
                break
            self.sim.advance(timedelta(seconds=1))
        assert self.orchestration.has_stopped, "\n".join(self.sim.trace[-40:])
        self.sim.stop()

    def restart(self) -> None:
        """`kill -9`: actors and mailboxes are gone, agents go on as orphans, a new daemon starts on the same store."""
        for sandbox in self.agents.alive:
            sandbox.listener = _Nobody()
        self.sim = self._begin()

    def lose_dispatch(self) -> None:
        """Another process takes the dispatch lease, as after we stood still for long; we have just noticed."""
        row = self.store.leases.find(DISPATCH)
        taken = self.store.leases.take(DISPATCH, row, Holder("another boot", 1, 1))
        assert taken is not None
        self.leases[DISPATCH].lost()

    def regain_dispatch(self) -> None:
        """The other process gives the lease back, and we take it."""
        row = self.store.leases.find(DISPATCH)
        assert row is not None
        self.store.leases.release(DISPATCH, row.epoch)
        self.pass_time(6)

    def plan_sabotage(self, sabotage: Sabotage) -> None:
        """Every actor that lives, or starts later, may now fall victim to `sabotage`."""
        self.sabotage.path, self.sabotage.item = sabotage.path, sabotage.item
        self.sabotage.is_before, self.sabotage.has_struck = sabotage.is_before, False

    def close(self) -> None:
        self.store.close()

    # -- what can be seen -----------------------------------------------------------------------------

    @property
    def now(self) -> datetime:
        return self.sim.clock.now()

    def task(self, task_id: TaskId) -> ScheduledTask:
        return self.store.tasks.get(task_id)

    def fires(self, task_id: TaskId) -> list[Fire]:
        """Oldest first."""
        return self.store.tasks.list_fires(task_id, 1000)[::-1]

    def fire_states(self, task_id: TaskId) -> list[str]:
        return [fire.state.value for fire in self.fires(task_id)]

    def log(self, chat: str) -> list[ChatMessage]:
        return self.store.chats.recent(local_jid(chat), 1000)

    def replies(self, chat: str) -> list[str]:
        return [message.content for message in self.log(chat) if message.kind is MessageKind.BOT]

    def answered(self, *chats: str) -> Counter[str]:
        """How often each token was answered."""
        return Counter(
            token
            for chat in chats
            for reply in self.replies(chat)
            if reply.startswith("re: ")
            for token in _TOKEN.findall(reply)
        )

    def runs(self, folder: str | None = None) -> list[RunRecord]:
        return self.store.runs.list_recent(Folder(folder) if folder else None, 1000)

    def codes(self, chat: str) -> list[str]:
        return [event.code for event in self.store.events.list_recent(local_jid(chat), 1000)]

    def node(self, path: str) -> NodeSnapshot:
        return self.sim.snapshot(path)

    def assert_at_rest(self) -> None:
        """Slots used = live runs = live sandboxes = none; nothing pending, nothing waiting to be sent."""
        trace = f"seed {self.seed}\n" + "\n".join(self.sim.trace[-60:])
        assert self.board.view.live == (), trace
        assert self.store.runs.list_live() == [], trace
        assert self.agents.alive == [], trace
        assert self.store.groups.count_pending() == 0, trace
        assert self.store.outbox.count_waiting() == 0, trace


class _SimulatedTree:
    def __init__(self, sim: Simulation) -> None:
        self._sim = sim

    def activate(self, path: str) -> None:
        self._sim.activate(path)

    def deactivate(self, path: str, timeout: timedelta) -> None:
        self._sim.deactivate(path)


class _Nobody:
    def frame(self, number: int, frame: object, size_bytes: int) -> None:
        """The daemon that would have read this is dead."""

    def ended(self, exit_code: int | None, signal: int | None, error_tail: str) -> None:
        """Nor does anybody hear of the end."""


def _hangs(turns: Sequence[tuple[InputId, str]]) -> bool:
    return any(" hang</message>" in prompt or prompt.endswith(" hang") for _, prompt in turns)
