"""Two daemons on one store and one data folder, and what an operator or a fault does to them."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.support.daemon import ROOT, DaemonProcess
from tests.support.postgres import PostgresServer

LEASE_MS = 2_000
_DEADLINE_S = 20.0


@dataclass
class Pair:
    """`owner` works, `other` stands by; `swap` after the duty has changed hands."""

    owner: DaemonProcess
    other: DaemonProcess
    activations: dict[int, int] = field(default_factory=dict)
    """By daemon (its identity): how often its present log has shown it active."""

    def swap(self) -> None:
        self.owner, self.other = self.other, self.owner

    def wait_until_active(self, daemon: DaemonProcess) -> None:
        """Until it became active once more than the last time it was waited for."""
        count = self.activations.get(id(daemon), 0) + 1
        daemon.wait_for_log("orchestrator.state", state="active", count=count)
        self.activations[id(daemon)] = count

    def restart(self, daemon: DaemonProcess) -> None:
        """Start a killed one again; its log begins anew."""
        self.activations[id(daemon)] = 0
        daemon.start()

    def take_over(self) -> float:
        """Wait for the other to become active; the seconds that took."""
        began = time.monotonic()
        self.wait_until_active(self.other)
        return time.monotonic() - began

    def await_owner(self) -> float:
        """Wait until either is active, whoever was faster; the seconds that took."""
        began = time.monotonic()
        while time.monotonic() < began + _DEADLINE_S:
            for daemon in (self.other, self.owner):
                if daemon.client.get("/v1/orchestrator?wait=0.1")["state"] == "active":
                    self.wait_until_active(daemon)
                    if daemon is self.other:
                        self.swap()
                    return time.monotonic() - began
        raise AssertionError("nobody became active")

    def freeze(self) -> None:
        """SIGSTOP to the owner, between two of its transactions.

        Inside one it would keep what it has locked: the lease row until Postgres ends the idle transaction, the whole
        file on SQLite. The first has a test of its own, the second is a limit of the embedded store.
        """
        deadline = time.monotonic() + _DEADLINE_S
        self.owner.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self.owner.pid, os.WSTOPPED | os.WNOWAIT)
        while is_in_transaction(self.owner):
            assert time.monotonic() < deadline, "the owner is always in a transaction"
            self.owner.send_signal(signal.SIGCONT)
            is_in_transaction(self.owner)  # waits a little for the end of the transaction
            self.owner.send_signal(signal.SIGSTOP)
            os.waitid(os.P_PID, self.owner.pid, os.WSTOPPED | os.WNOWAIT)

    def thaw(self) -> None:
        self.owner.send_signal(signal.SIGCONT)


def is_in_transaction(daemon: DaemonProcess) -> bool:
    """Whether somebody holds the store's locks while nothing moves."""
    if daemon.postgres_dsn is None:
        with closing(sqlite3.connect(daemon.data_dir / "intercom.db", timeout=0.3, isolation_level=None)) as probe:
            try:
                probe.execute("BEGIN IMMEDIATE")
                probe.execute("ROLLBACK")
            except sqlite3.OperationalError:
                return True
        return False
    query = "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in%'"
    return bool(run_sql(daemon.postgres_dsn, query)[0][0])


def run_sql(dsn: str, sql: str) -> list[list[Any]]:
    return PostgresServer(dsn).run_sql(sql, urlsplit(dsn).path.removeprefix("/"))


@contextmanager
def running_pair(home: Path, *settings: Mapping[str, Mapping[str, object]]) -> Iterator[Pair]:
    """Both started, the first one active; what they logged is shown when the test fails."""
    merged: dict[str, dict[str, object]] = {"orchestrator": {"enabled": True, "lease_ms": LEASE_MS}}
    for more in settings:
        for section, keys in more.items():
            merged[section] = {**merged.get(section, {}), **keys}
    with ExitStack() as stack:
        first, second = (DaemonProcess(home, merged) for _ in "12")
        for daemon in (first, second):
            stack.callback(_show, daemon)
            stack.callback(daemon.close)
        pair = Pair(first.start(), second)
        pair.wait_until_active(first)
        second.start()
        yield pair


def intercomd(daemon: DaemonProcess, *words: str) -> subprocess.CompletedProcess[str]:
    """An operator's command against a daemon."""
    return subprocess.run(
        [sys.executable, "-m", "intercomd", *words, "--url", daemon.client.url],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=_DEADLINE_S,
        check=False,
    )




def _show(daemon: DaemonProcess) -> None:
    print(*daemon.transcript, sep="\n")
