"""Faults for a long time: a minute in the full tier, an hour by `scripts/dev soak`."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from intercomd.store.postgres_dsn import parse_dsn
from tests.soak.driver import Driver, ProxiedPostgres, locked_sqlite
from tests.soak.ledger import Complaint, check
from tests.soak.plan import Plan
from tests.soak.records import Records, read_postgres, read_sqlite
from tests.support.cutting_proxy import cutting_proxy
from tests.support.daemon import DaemonProcess, Settings
from tests.support.postgres import running_server

SEED = 20261122
_SHORT_S = 30.0
_LONG_S = float(os.environ.get("INTERCOM_SOAK_SECONDS", "3600"))
_MOST_COMPLAINTS = 10
_Read = Callable[[], Records]
_SETTINGS: Settings = {
    "orchestrator": {
        "enabled": True,
        "grace_ms": 3_000,
        "lease_ms": 3_000,
        "idle_timeout_ms": 1_000,
        "max_concurrent_containers": 4,
    },
    "sandbox": {"engine": "process", "run_timeout_ms": 4_000},
    "log": {"level": "info"},
}


@pytest.mark.full
@pytest.mark.timeout(240)
@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
def test_a_minute_of_faults_loses_and_doubles_nothing(engine: str, tmp_path: Path) -> None:
    """Everything accepted has its outcome once, whatever is killed, cut, cancelled or sent at the same time."""
    _soak(engine, tmp_path, SEED, _SHORT_S)


@pytest.mark.soak
@pytest.mark.timeout(2 * _LONG_S + 600)
@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
def test_an_hour_of_faults_loses_and_doubles_nothing(engine: str, tmp_path: Path) -> None:
    """The same for INTERCOM_SOAK_SECONDS, half of it on each store, with a seed of its own (INTERCOM_SOAK_SEED)."""
    seed = int(os.environ.get("INTERCOM_SOAK_SEED") or random.SystemRandom().randrange(10**9))
    _soak(engine, tmp_path, seed, _LONG_S / 2)


def _soak(engine: str, home: Path, seed: int, seconds: float) -> None:
    print(f"seed {seed}: INTERCOM_SOAK_SEED={seed} INTERCOM_SOAK_SECONDS={2 * seconds:g} scripts/dev soak -k {engine}")
    open_soak = _on_sqlite if engine == "sqlite" else _on_postgres
    with open_soak(home) as (daemon, driver, read):
        driver.follow(Plan(seed), seconds)
        assert daemon.terminate() == 0
        assert daemon.agents() == set()
        records = read()
        complaints = check(records, driver.accepted)
        print(f"{driver.steps} steps, {len(driver.accepted)} accepted, {len(records.texts)} texts")
        assert complaints == [], _explain(complaints, records)


@contextmanager
def _on_sqlite(home: Path) -> Iterator[tuple[DaemonProcess, Driver, _Read]]:
    with ExitStack() as stack:
        daemon = stack.enter_context(_shown(DaemonProcess(home, _SETTINGS)))
        path = daemon.data_dir / "intercom.db"
        store = stack.enter_context(locked_sqlite(path))
        yield daemon, Driver(daemon, store), lambda: read_sqlite(path)


@contextmanager
def _on_postgres(home: Path) -> Iterator[tuple[DaemonProcess, Driver, _Read]]:
    with ExitStack() as stack:
        server = stack.enter_context(running_server())
        target = parse_dsn(server.create_empty("soak"))
        proxy = stack.enter_context(cutting_proxy((target.host, target.port)))
        dsn = server.dsn("soak").replace(f":{target.port}/", f":{proxy.port}/")
        daemon = stack.enter_context(_shown(DaemonProcess(home, {**_SETTINGS, "storage": {"postgres_dsn": dsn}})))
        yield daemon, Driver(daemon, ProxiedPostgres(proxy)), lambda: read_postgres(server, "soak")


@contextmanager
def _shown(daemon: DaemonProcess) -> Iterator[DaemonProcess]:
    """The daemon, active; the end of its log is printed, so that a failure shows it."""
    with daemon:
        daemon.wait_for_log("orchestrator.state", state="active")
        try:
            yield daemon
        finally:
            print(daemon.log.tail())


def _explain(complaints: list[Complaint], records: Records) -> str:
    """The complaints, and the events of the chats they are about."""
    shown = complaints[:_MOST_COMPLAINTS]
    lines = [f"{len(complaints)} complaints:", *(f"  {complaint.chat}: {complaint.text}" for complaint in shown)]
    for chat in sorted({complaint.chat for complaint in shown if complaint.chat is not None}):
        lines += [f"events of {chat}:", *(f"  {event}" for event in records.events[chat])]
    return "\n".join(lines)
