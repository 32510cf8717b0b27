"""Daemons as processes: one shared by a module's independent tests, or as many as a test wants."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.daemon import DaemonProcess, Settings
from tests.support.postgres import PostgresServer, running_server

MakeDaemon = Callable[..., DaemonProcess]


@pytest.fixture(scope="module")
def settings() -> Settings:
    """What the module's shared daemon runs with; modules say otherwise by a fixture of this name."""
    return {}


@pytest.fixture(scope="module")
def shared_daemon(tmp_path_factory: pytest.TempPathFactory, settings: Settings) -> Iterator[DaemonProcess]:
    """One daemon for all tests of a module."""
    with DaemonProcess(tmp_path_factory.mktemp("daemon"), settings) as running:
        running.wait_for_log("orchestrator.state", state="active")
        yield running


@pytest.fixture
def daemon(shared_daemon: DaemonProcess) -> Iterator[DaemonProcess]:
    """The module's running daemon; each test uses chats of its own. A failed test shows what it logged meanwhile."""
    before = len(shared_daemon.transcript)
    yield shared_daemon
    print(*shared_daemon.transcript[before:], sep="\n")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A server that nobody stops."""
    with running_server() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgres"])
def storage(request: pytest.FixtureRequest) -> Settings:
    """Settings of an empty store, on one engine after the other."""
    if request.param == "sqlite":
        return {}
    server: PostgresServer = request.getfixturevalue("postgres_server")
    return {"storage": {"postgres_dsn": server.create_empty("integration")}}


@pytest.fixture
def make_daemon(tmp_path: Path) -> Iterator[MakeDaemon]:
    """Makes daemons that are not started yet, all on one home unless told otherwise. What runs at the end is ended;
    a failed test shows what they logged."""
    with ExitStack() as stack:

        def make(settings: Settings | None = None, home: Path = tmp_path, **environment: str) -> DaemonProcess:
            made = DaemonProcess(home, settings, environment=environment)
            stack.callback(lambda: print(*made.transcript, sep="\n"))
            stack.callback(made.close)
            return made

        yield make
