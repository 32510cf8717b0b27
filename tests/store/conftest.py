"""One store per test, on every engine; the Postgres variants carry the `full` mark."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from intercomd.store.opening import StoreSettings, open_store
from intercomd.store.ports import Store
from tests.store.chores import Chores
from tests.store.household import Household
from tests.support.postgres import PostgresServer, running_server

_DATABASE = "contract"


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A server for the whole session."""
    with running_server() as server:
        yield server


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgres", marks=pytest.mark.full)])
def engine(request: pytest.FixtureRequest) -> str:
    """The engine a module's tests run on, one after the other; for Postgres with a fresh database."""
    if request.param == "postgres":
        server: PostgresServer = request.getfixturevalue("postgres_server")
        server.create_database(_DATABASE)
    return str(request.param)


@pytest.fixture
def store_settings(engine: str, request: pytest.FixtureRequest, tmp_path: Path) -> StoreSettings:
    """An empty database."""
    if engine == "sqlite":
        return StoreSettings(assistant_name="Ada", main_folder="main", sqlite_path=tmp_path / "intercom.db")
    server: PostgresServer = request.getfixturevalue("postgres_server")
    server.delete_rows(_DATABASE)
    return StoreSettings(assistant_name="Ada", main_folder="main", postgres_dsn=server.dsn(_DATABASE))


@pytest.fixture
def store(store_settings: StoreSettings) -> Iterator[Store]:
    """An open, empty store."""
    opened = open_store(store_settings)
    yield opened
    opened.close()


@pytest.fixture
def house(store: Store) -> Household:
    """The store with one registered group and the leases taken."""
    return Household(store)


@pytest.fixture
def chores(store: Store) -> Chores:
    """The same household with scheduled tasks in mind."""
    return Chores(store)
