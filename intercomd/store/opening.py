"""Opening a store: the one place that knows which engines there are."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from intercomd.errors import ConfigError, StoreUnavailable
from intercomd.logs import EventLog
from intercomd.store.agent_file_ports import AgentFiles
from intercomd.store.agent_files import AgentFilesTable
from intercomd.store.chat_log import ChatLogTable
from intercomd.store.compat import CompatTables
from intercomd.store.compat_ports import Compat
from intercomd.store.engine import Database
from intercomd.store.event_ports import Events
from intercomd.store.events import EventsTable
from intercomd.store.groups import GroupsTable
from intercomd.store.history import HistoryOfChats
from intercomd.store.history_ports import History
from intercomd.store.holds import HoldsTable
from intercomd.store.lease_ports import Holds, Leases
from intercomd.store.leases import LeasesTable
from intercomd.store.outbox_table import OutboxRows
from intercomd.store.ports import (
    ChatLog,
    Groups,
    OutboxTable,
    RetryPolicy,
    Runs,
    Sessions,
    Store,
)
from intercomd.store.pruning import Pruning, PruningOfTables
from intercomd.store.question_ports import Questions
from intercomd.store.questions import QuestionsTable
from intercomd.store.runs import RunsTable
from intercomd.store.sessions import SessionsTable
from intercomd.store.task_ports import Tasks
from intercomd.store.tasks import TasksTable
from intercomd.store.why import ChainsOfTables
from intercomd.store.why_ports import Chains

_log = EventLog("store")


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreSettings:
    """Which database, and how long to wait for it. A `postgres_dsn` wins over `sqlite_path`.

    `acquire_timeout` bounds the wait for a connection (or SQLite's write lock), `statement_timeout` one statement.
    No group waits longer for its retry than `retry` says. Tasks without a zone of their own follow `default_zone`.
    """

    assistant_name: str
    main_folder: str
    sqlite_path: Path | None = None
    postgres_dsn: str | None = None
    pool_size: int = 6
    connect_timeout: timedelta = timedelta(seconds=5)
    acquire_timeout: timedelta = timedelta(seconds=5)
    statement_timeout: timedelta = timedelta(seconds=10)
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    default_zone: str = "UTC"


def open_store(settings: StoreSettings) -> Store:
    """Open the store and bring its schema up to date.

    A database that is away is no error: the first call after its return does the rest, and `ping` raises
    `StoreUnavailable` until then. Raises `StoreError` for a database that cannot be used, `SchemaMismatch` for a newer
    schema, `ConfigError` for a DSN that cannot be read or when no database is given.
    """
    store = DatabaseStore(settings, *open_databases(settings))
    try:
        store.prepare()
    except StoreUnavailable as error:
        _log.warning("store.away", engine=store.engine, error=error)
    except BaseException:
        store.close()
        raise
    return store


class DatabaseStore:
    """The `Store` port: one database behind all repositories, and one more connection for the leases."""

    def __init__(self, settings: StoreSettings, database: Database, lease_database: Database) -> None:
        self._database = database
        self._lease_database = lease_database
        self.engine = database.engine
        self.chats: ChatLog = ChatLogTable(
            database, assistant_name=settings.assistant_name, main_folder=settings.main_folder
        )
        self.history: History = HistoryOfChats(database)
        self.groups: Groups = GroupsTable(database, settings.retry)
        self.runs: Runs = RunsTable(database, settings.retry)
        self.sessions: Sessions = SessionsTable(database)
        self.outbox: OutboxTable = OutboxRows(database, assistant_name=settings.assistant_name)
        self.leases: Leases = LeasesTable(lease_database)
        self.holds: Holds = HoldsTable(database)
        self.events: Events = EventsTable(database)
        self.tasks: Tasks = TasksTable(database, settings.retry, settings.default_zone)
        self.agent_files: AgentFiles = AgentFilesTable(database)
        self.questions: Questions = QuestionsTable(database)
        self.chains: Chains = ChainsOfTables(database)
        self.pruning: Pruning = PruningOfTables(database)
        self.compat: Compat = CompatTables(database, settings.default_zone)

    def prepare(self) -> None:
        """See `Database.prepare`."""
        self._database.prepare()

    def ping(self) -> None:
        self._database.rows("ping")

    def schema_version(self) -> int:
        return int(self._database.rows("find_schema_version")[0]["version"])

    def close(self) -> None:
        self._database.close()
        if self._lease_database is not self._database:
            self._lease_database.close()


def open_databases(settings: StoreSettings) -> tuple[Database, Database]:
    """The database, and the one the leases use: their own connection where a pool could be exhausted by others."""
    if settings.postgres_dsn:
        from intercomd.store.postgres import PostgresDatabase  # pg8000 is loaded only where it is used
        from intercomd.store.postgres_dsn import parse_dsn

        target = parse_dsn(settings.postgres_dsn)
        database, lease_database = (
            PostgresDatabase(
                target,
                pool_size=size,
                connect_timeout=settings.connect_timeout,
                acquire_timeout=settings.acquire_timeout,
                statement_timeout=settings.statement_timeout,
            )
            for size in (settings.pool_size, 1)
        )
        return database, lease_database
    if settings.sqlite_path is not None:
        from intercomd.store.sqlite import SqliteDatabase

        file = SqliteDatabase(settings.sqlite_path, readers=settings.pool_size, timeout=settings.acquire_timeout)
        return file, file
    raise ConfigError("storage", ["neither sqlite_path nor postgres_dsn is given: set one"])
