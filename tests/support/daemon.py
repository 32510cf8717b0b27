"""The daemon as a process of its own, with a private home, watched through its log.

with DaemonProcess(tmp_path) as daemon:
    assert daemon.client.ask("kitchen", "hello") == "hello"
    daemon.kill()
    daemon.start()
    daemon.wait_for_log("run.ended", folder="kitchen")
"""

from __future__ import annotations

import fcntl
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from intercomd.sandbox.group_lock import find_holders
from tests.support.daemon_client import DaemonClient
from tests.support.daemon_log import WAIT_SECONDS, DaemonLog
from tests.support.waiting import Logged

ROOT = Path(__file__).parents[2]

Settings = Mapping[str, Mapping[str, object]]


def default_settings(home: Path) -> dict[str, dict[str, object]]:
    """Everything below `home`, any free port, the echo agent without isolation, quick leases."""
    return {
        "server": {"bind": "127.0.0.1:0"},
        "storage": {
            "data_dir": str(home / "data"),
            "sqlite_path": str(home / "data/intercom.db"),
            "groups_dir": str(home / "groups"),
        },
        "runtimes": {"default_runtime": "echo"},
        "orchestrator": {"enabled": True, "grace_ms": 5_000, "lease_ms": 3_000},
        "sandbox": {"engine": "process"},
        "channels.local": {"auto_register": True},
        "log": {"level": "debug"},
    }


class DaemonProcess:
    """`python -m intercomd serve`. After `kill` or `terminate` it can be started again on the same home.

    `settings` (section → key → value) win over `default_settings`; `environment` is added to a small clean one.
    """

    command = "serve"

    def __init__(
        self,
        home: Path,
        settings: Settings | None = None,
        *,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.home = home
        self.data_dir = home / "data"
        self.config = home / "intercom.toml"
        merged = _merged(default_settings(home), settings or {})
        self.config.write_text(render_toml(merged))
        self.postgres_dsn: str | None = merged["storage"].get("postgres_dsn")
        self.environment = _small_environment() | dict(environment or {})
        self._process: subprocess.Popen[bytes] | None = None
        self._logs: list[DaemonLog] = []
        self._client: DaemonClient | None = None

    # -- the process ----------------------------------------------------------------------------------

    def start(self) -> Self:
        """Start it and return once it is ready (`daemon.ready`)."""
        self.launch()
        self._client = DaemonClient(str(self.wait_for_log("daemon.ready").fields["url"]))
        return self

    def launch(self) -> None:
        """Start it and return at once."""
        assert self._process is None or self._process.poll() is not None, "it is running"
        self._process = subprocess.Popen(
            (sys.executable, "-m", "intercomd", self.command, "--config", str(self.config)),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=self.home,
            env=self.environment,
        )
        assert self._process.stdout is not None
        self._logs.append(DaemonLog(self._process.stdout))

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def send_signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def wait_for_exit(self, timeout_s: float = WAIT_SECONDS) -> int:
        """The exit code (negative: the signal); all of its output has been read then."""
        assert self._process is not None
        try:
            code = self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the daemon did not end within {timeout_s:g} s\n{self.log.tail()}") from None
        self.log.wait_for_end()
        return code

    def kill(self) -> None:
        """`kill -9`, and wait until it is gone. Its agents may live on."""
        self.send_signal(signal.SIGKILL)
        assert self.wait_for_exit() == -signal.SIGKILL

    def terminate(self, timeout_s: float = WAIT_SECONDS) -> int:
        """SIGTERM; returns the exit code."""
        self.send_signal(signal.SIGTERM)
        return self.wait_for_exit(timeout_s)

    def close(self) -> None:
        """Nothing of it is left, its agents included."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.kill()
            self.wait_for_exit()
        agents = self.agents()
        for pid in agents:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        wait_until_gone(agents)

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:
            self.close()
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # -- what it says and has -------------------------------------------------------------------------

    @property
    def log(self) -> DaemonLog:
        """The log since the last start."""
        return self._logs[-1]

    @property
    def transcript(self) -> list[str]:
        """Every line since the first start."""
        return [line for log in self._logs for line in log.lines]

    def wait_for_log(self, event: str, *, count: int = 1, timeout_s: float = WAIT_SECONDS, **fields: object) -> Logged:
        """See `DaemonLog.wait_for`."""
        return self.log.wait_for(event, count=count, timeout_s=timeout_s, **fields)

    @property
    def client(self) -> DaemonClient:
        assert self._client is not None
        return self._client

    def agents(self, folder: str | None = None) -> set[int]:
        """Processes of the sandboxes of one group, or of all: those that hold a group's lock."""
        locks = (self.data_dir / "run").glob(f"{folder or '*'}.lock")
        return {pid for lock in locks for pid in _holders(lock)}


def wait_until_gone(pids: Iterable[int], timeout_s: float = WAIT_SECONDS) -> None:
    """Until none of these processes lives; fails at the deadline."""
    deadline = time.monotonic() + timeout_s
    for pid in pids:
        try:
            watched = os.pidfd_open(pid)
        except ProcessLookupError:
            continue
        try:
            if not select.select([watched], [], [], max(0.0, deadline - time.monotonic()))[0]:
                raise AssertionError(f"process {pid} still lives after {timeout_s:g} s")
        finally:
            os.close(watched)


def render_toml(settings: Settings) -> str:
    """TOML of texts, numbers, booleans and lists of them: JSON writes those the same."""
    lines: list[str] = []
    for section, keys in settings.items():
        lines += [f"[{section}]", *(f"{key} = {json.dumps(value)}" for key, value in keys.items()), ""]
    return "\n".join(lines)


def _merged(defaults: Settings, settings: Settings) -> dict[str, dict[str, Any]]:
    return {name: {**defaults.get(name, {}), **settings.get(name, {})} for name in {**defaults, **settings}}


def _small_environment() -> dict[str, str]:
    """Nothing of the shell that runs the tests but where programs and temporary files are."""
    kept = {name: os.environ[name] for name in ("PATH", "TMPDIR") if name in os.environ}
    return kept | {"LANG": "C.UTF-8", "PYTHONPATH": str(ROOT)}


def _holders(lock: Path) -> set[int]:
    """Who holds `lock`. A process that hands it on to a child (bubblewrap does) while /proc is read can hide both: as
    long as the lock is held and nobody is seen with it, the picture is none."""
    holders = find_holders(lock)
    while not holders and not _is_free(lock):
        holders = find_holders(lock)
    return holders


def _is_free(lock: Path) -> bool:
    with lock.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
