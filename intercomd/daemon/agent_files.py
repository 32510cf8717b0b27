"""The desk for agents' files, with its tools and their desks, put together for one process."""

from __future__ import annotations

from pathlib import Path

from intercomd.actors.ipc_watcher import IpcWatcher
from intercomd.clock import Clock
from intercomd.daemon.desks import task_desk
from intercomd.daemon.parts import Addresses, Parts
from intercomd.desk.agent_files import AgentFileDesk
from intercomd.desk.chat_tools import ChatTools
from intercomd.desk.demarch import DemarchDesk
from intercomd.desk.groups import GroupDesk
from intercomd.desk.history import HistoryDesk
from intercomd.desk.messages import MessageDesk
from intercomd.desk.snapshots import Snapshots
from intercomd.desk.toolbox import make_toolbox
from intercomd.desk.tools import Toolbox
from intercomd.domain.leases import IPC
from intercomd.domain.mailbox import OutboxFilled, Poll
from intercomd.ipc.outbox_files import OutboxFiles
from intercomd.ipc.quarantine import Quarantine
from intercomd.ipc.tree import IpcTree
from intercomd.settings.model import Settings
from intercomd.store.ports import Store
from intercomd.supervision.port import Context

TEXT_PART_LIMIT = 4096
"""UTF-16 units of one part; Telegram's limit, and a readable size anywhere."""


def make_ipc_watcher(parts: Parts, to: Addresses, context: Context) -> IpcWatcher:
    desk = make_file_desk(parts, to)
    return IpcWatcher(desk, parts.leases[IPC], parts.store.runs, parts.aside, parts.clock, context)


def make_file_desk(parts: Parts, to: Addresses) -> AgentFileDesk:
    """Who asks for it, and how often, does not matter: it remembers nothing that counts."""
    tree, quarantine = IpcTree(parts.layout.ipc_root), Quarantine(parts.layout.quarantine_root)
    main_folder = parts.settings.orchestrator.main_group_folder
    return AgentFileDesk(tree, quarantine, parts.store, daemon_toolbox(parts, to), main_folder, parts.clock)


def make_snapshots(store: Store, settings: Settings, views: Path, clock: Clock) -> Snapshots:
    """Nothing is registered through its desk for groups."""
    groups = GroupDesk(store, settings.orchestrator.main_group_folder, lambda: None, clock)
    return Snapshots(store, groups, views, clock)


def daemon_toolbox(parts: Parts, to: Addresses) -> Toolbox:
    """What agents may call."""
    store, settings, clock = parts.store, parts.settings, parts.clock

    def on_text() -> None:
        to.outbox.hint(OutboxFilled())

    def on_groups() -> None:
        to.message_loop.hint(Poll())

    files = OutboxFiles(parts.layout.outbox_files_root)
    chats = ChatTools(
        MessageDesk(store, parts.layout.groups_root, files, TEXT_PART_LIMIT, on_text, clock),
        GroupDesk(store, settings.orchestrator.main_group_folder, on_groups, clock),
        HistoryDesk(store, clock),
        make_snapshots(store, settings, parts.layout.views_root, clock),
        store.questions,
        clock,
    )
    tasks = task_desk(store, clock, parts.new_id, settings.scheduler.timezone, to.scheduler)
    demarch = DemarchDesk(parts.tools, frozenset(settings.demarch.read_groups))
    return make_toolbox(chats, tasks, store.groups, demarch)
