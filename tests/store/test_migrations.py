"""Bringing a schema up to date, on every engine."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from intercomd.domain.ids import TaskId
from intercomd.errors import SchemaMismatch
from intercomd.store.migrations import read_scripts, split_statements
from intercomd.store.opening import StoreSettings, open_store
from tests.store.household import NOON, Household
from tests.store.raw import open_raw
from tests.support.postgres import PostgresServer

_OPEN = """
import sys
from pathlib import Path
from intercomd.store.opening import StoreSettings, open_store
kind, place = sys.argv[1:]
where = {"sqlite_path": Path(place)} if kind == "sqlite" else {"postgres_dsn": place}
store = open_store(StoreSettings(assistant_name="Ada", main_folder="main", **where))
print("ready", flush=True)
sys.stdin.readline()
store.ping()
print(store.groups.count())
store.close()
"""

_TASKS_OF_VERSION_3 = """
INSERT INTO scheduled_tasks (id, group_folder, chat_jid, prompt, schedule_type, schedule_value, context_mode, status,
    created_at)
VALUES ('b', 'cooks', 'local:x', 'p', 'cron', '@daily', 'isolated', 'active', 2000),
    ('a', 'cooks', 'local:x', 'p', 'cron', '@daily', 'isolated', 'active', 3000),
    ('c', 'garden', 'local:x', 'p', 'cron', '@daily', 'isolated', 'active', 1000)
"""


@pytest.fixture
def fresh_settings(engine: str, request: pytest.FixtureRequest, tmp_path: Path) -> StoreSettings:
    """A place for a database without any schema."""
    if engine == "sqlite":
        return StoreSettings(assistant_name="Ada", main_folder="main", sqlite_path=tmp_path / "new" / "intercom.db")
    server: PostgresServer = request.getfixturevalue("postgres_server")
    return StoreSettings(assistant_name="Ada", main_folder="main", postgres_dsn=server.create_empty("fresh"))


def run_sql(settings: StoreSettings, sql: str, server: PostgresServer | None) -> None:
    """Change a database behind the store's back."""
    if settings.sqlite_path is not None:
        connection = sqlite3.connect(settings.sqlite_path, isolation_level=None)
        connection.execute(sql)
        connection.close()
    else:
        assert server is not None
        server.run_sql(sql, "fresh")


def test_open_creates_the_schema_and_finds_it_again(fresh_settings: StoreSettings) -> None:
    """A fresh database is usable at once, and what is in it survives opening again."""
    for groups_before in (0, 1):
        store = open_store(fresh_settings)
        assert store.groups.count() == groups_before
        if groups_before == 0:
            Household(store)
        store.close()


def test_open_refuses_a_newer_schema(
    fresh_settings: StoreSettings, engine: str, request: pytest.FixtureRequest
) -> None:
    """A database of a newer program is left alone, and the text says what to do."""
    open_store(fresh_settings).close()
    server = request.getfixturevalue("postgres_server") if engine == "postgres" else None
    run_sql(fresh_settings, "INSERT INTO schema_version (version) VALUES (99)", server)
    with pytest.raises(SchemaMismatch, match=r"schema version 99.*run the newer intercomd"):
        open_store(fresh_settings)


def test_tasks_of_an_earlier_version_get_numbers_and_follow_the_settings(
    fresh_settings: StoreSettings, engine: str
) -> None:
    """What was there before has a number by age, an anchor, and the default zone whichever it is; counting goes on."""
    if fresh_settings.sqlite_path is not None:
        fresh_settings.sqlite_path.parent.mkdir()
    with open_raw(fresh_settings) as run:
        run("CREATE TABLE schema_version (version BIGINT PRIMARY KEY)")
        run("INSERT INTO schema_version (version) VALUES (3)")
        for script in read_scripts(engine)[:3]:
            for statement in split_statements(script):
                run(statement)
        run(_TASKS_OF_VERSION_3)
    with closing(open_store(replace(fresh_settings, default_zone="Europe/Vienna"))) as store:
        found = store.tasks.list_tasks(None, 9)
        assert [(task.task_id, task.number, task.zone) for task in found] == [
            ("a", 2, "Europe/Vienna"),
            ("b", 1, "Europe/Vienna"),
            ("c", 1, "Europe/Vienna"),
        ]
        assert [task.anchor_at for task in found] == [task.created_at for task in found]
        Household(store)
        store.tasks.add(replace(found[0], task_id=TaskId("d")), "Uma", NOON)
        assert store.tasks.get(TaskId("d")).number == 3


def test_two_processes_may_open_a_fresh_database_at_once(fresh_settings: StoreSettings, engine: str) -> None:
    """One migrates, the other waits for it; both work."""
    place = str(fresh_settings.sqlite_path or fresh_settings.postgres_dsn)
    command = [sys.executable, "-c", _OPEN, engine, place]
    root = Path(__file__).parents[2]
    processes = [
        subprocess.Popen(command, cwd=root, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE) for _ in range(2)
    ]
    outputs = [process.communicate("go\n", timeout=30)[0] for process in processes]
    assert outputs == ["ready\n0\n"] * 2
    assert [process.returncode for process in processes] == [0, 0]


def test_both_engines_have_the_same_versions() -> None:
    """Every version exists for both engines."""
    assert len(read_scripts("sqlite")) == len(read_scripts("postgres"))
