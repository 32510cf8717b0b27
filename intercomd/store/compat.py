"""The repositories that only the wire API uses, and the values its clients keep."""

from __future__ import annotations

from intercomd.domain.text import clean
from intercomd.store.compat_chats import WireChatsTable
from intercomd.store.compat_ports import RouterState, ScheduledTasks, WireChats
from intercomd.store.compat_tasks import ScheduledTasksTable
from intercomd.store.engine import Database


class CompatTables:
    """The `Compat` port."""

    def __init__(self, database: Database, default_zone: str) -> None:
        self.chats: WireChats = WireChatsTable(database)
        self.tasks: ScheduledTasks = ScheduledTasksTable(database, default_zone)
        self.router: RouterState = RouterStateTable(database)


class RouterStateTable:
    """The `RouterState` port."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, key: str) -> str | None:
        row = self._database.row("find_router_value", key=key)
        return None if row is None else str(row["value"])

    def set(self, key: str, value: str) -> None:
        self._database.write(lambda transaction: transaction.run("set_router_value", key=key, value=clean(value)))
