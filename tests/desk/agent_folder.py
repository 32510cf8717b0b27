"""A household whose agents leave files: a real store, real tools, real folders, and a clock that stands still."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from intercomd.demarch.tools import DemarchPolicy, DemarchTools
from intercomd.desk.agent_files import AgentFileDesk, LongJob
from intercomd.desk.chat_tools import ChatTools
from intercomd.desk.demarch import DemarchDesk
from intercomd.desk.groups import GroupDesk
from intercomd.desk.history import HistoryDesk
from intercomd.desk.messages import MessageDesk
from intercomd.desk.snapshots import Snapshots
from intercomd.desk.tasks import TaskDesk, TaskPolicy
from intercomd.desk.toolbox import make_toolbox
from intercomd.domain.agent_files import RESPONSES, FileKind
from intercomd.domain.chat import Group, IncomingMessage
from intercomd.domain.ids import ChatJid, Folder
from intercomd.domain.leases import IPC, Fence, Holder
from intercomd.ipc.outbox_files import OutboxFiles
from intercomd.ipc.quarantine import Quarantine
from intercomd.ipc.tree import IpcTree
from intercomd.settings.model import Demarch
from intercomd.store.opening import StoreSettings, open_store
from intercomd.store.ports import Store

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
HOME, KITCHEN, ATTIC = Folder("home"), Folder("kitchen"), Folder("attic")
"""`home` is the main group; a group called `main` would be one like any other."""
UUID = "6f1c2a7e-0000-4000-8000-00000000000"


class StillClock:
    def now(self) -> datetime:
        return NOON

    def monotonic(self) -> float:
        return 1000.0


@dataclass
class AgentFolders:
    """`hints` are what other parts were told."""

    root: Path
    readers: frozenset[str] = frozenset()
    programs: Path | None = None
    hints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.store: Store = open_store(
            StoreSettings(assistant_name="Ada", main_folder=HOME, sqlite_path=self.root / "intercom.db")
        )
        for folder in (HOME, KITCHEN, ATTIC):
            self.store.groups.add(
                Group(ChatJid(f"local:{folder}"), folder.title(), folder, requires_trigger=False), NOON
            )
        for folder in (HOME, KITCHEN, ATTIC, Folder("main"), Folder("stranger")):
            for name in (*FileKind, RESPONSES):
                (self.root / "ipc" / folder / name).mkdir(parents=True, exist_ok=True)
        self.tree = IpcTree(self.root / "ipc")
        self.files = OutboxFiles(self.root / "outbox-files")
        self.quarantine = Quarantine(self.root / "ipc-errors")
        epoch = self.store.leases.take(IPC, None, Holder("boot", 1, 1))
        assert epoch is not None
        self.fence = Fence(IPC, epoch)
        self.desk = self.make_desk(self.store)

    def make_desk(self, store: Store) -> AgentFileDesk:
        """The desk of a new process on the same folders."""
        clock = StillClock()
        groups = GroupDesk(store, HOME, self._hint("groups"), clock)
        chats = ChatTools(
            MessageDesk(store, self.root / "groups", self.files, 4096, self._hint("texts"), clock),
            groups,
            HistoryDesk(store, clock),
            Snapshots(store, groups, self.root / "ipc-views", clock),
            store.questions,
            clock,
        )
        tasks = TaskDesk(store, clock, lambda prefix: f"{prefix}-1", TaskPolicy("UTC"), self._hint("tasks"))
        demarch = DemarchDesk(self._tools(), self.readers)
        toolbox = make_toolbox(chats, tasks, store.groups, demarch)
        return AgentFileDesk(self.tree, self.quarantine, store, toolbox, HOME, clock)

    def _tools(self) -> DemarchTools:
        defaults = Demarch()
        policy = DemarchPolicy(
            self.programs is not None, True, frozenset(defaults.read_allowlist), frozenset(defaults.write_allowlist)
        )
        return DemarchTools(policy, self.root, {"PATH": f"{self.programs}:/usr/bin:/bin"})

    def _hint(self, name: str) -> Callable[[], None]:
        return lambda: self.hints.append(name)

    # -- what agents do -------------------------------------------------------------------------------

    def put(self, folder: Folder, kind: FileKind, value: object, name: str = "1-x.json") -> Path:
        path = self.root / "ipc" / folder / kind / name
        path.write_text(value if isinstance(value, str) else json.dumps(value))
        return path

    def message(self, folder: Folder, chat_jid: str, text: str = "hello", name: str = "1-x.json") -> Path:
        return self.put(folder, FileKind.MESSAGES, {"type": "message", "chatJid": chat_jid, "text": text}, name)

    def query(self, folder: Folder, tool: str, params: Mapping[str, object] | None = None, number: int = 1) -> Path:
        uuid = f"{UUID}{number}"
        value = {"uuid": uuid, "type": tool, "params": params, "timestamp": "2026"}
        return self.put(folder, FileKind.QUERIES, value, f"{uuid}.json")

    def say(self, folder: Folder, text: str, key: str) -> None:
        """Somebody writes in the group's chat."""
        said = IncomingMessage(ChatJid(f"local:{folder}"), key, "u", "Uma", text, NOON)
        self.store.chats.ingest(said, NOON)

    # -- what the daemon does -------------------------------------------------------------------------

    def handle(self, folder: Folder, desk: AgentFileDesk | None = None) -> None:
        """Every file of the group, what takes long included."""
        desk = desk or self.desk
        for kind in FileKind:
            for name in desk.look(folder, kind, 100).names:
                job = desk.take(folder, kind, name, self.fence, may_take_long=True)
                if isinstance(job, LongJob):
                    desk.conclude(job.job, job.work())

    def call(self, folder: Folder, tool: str, number: int = 1, **params: object) -> dict[str, Any]:
        """The answer to a query."""
        self.query(folder, tool, params, number)
        self.handle(folder)
        return self.answer(folder, number)

    # -- what can be seen -----------------------------------------------------------------------------

    def answer(self, folder: Folder, number: int = 1) -> dict[str, Any]:
        path = self.root / "ipc" / folder / RESPONSES / f"{UUID}{number}.json"
        answer: dict[str, Any] = json.loads(path.read_text())
        return answer

    def texts(self, chat_jid: str) -> list[str]:
        """What is on its way to the chat."""
        return [row.text for row in reversed(self.store.outbox.list_recent(ChatJid(chat_jid), 100))]

    def refusals(self, folder: Folder) -> list[str]:
        """Why files are in quarantine, oldest first."""
        kept = self.quarantine.list_kept(folder)
        return [self.quarantine.reason(folder, name).splitlines()[1] for name in kept]

    def waiting(self, folder: Folder) -> list[str]:
        return sorted(str(path.relative_to(self.root / "ipc" / folder)) for path in self._files(folder))

    def _files(self, folder: Folder) -> list[Path]:
        return [path for kind in FileKind for path in (self.root / "ipc" / folder / kind).iterdir()]
