"""From an operator's `enable` to the run of a request that waited for it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median

from intercomd.clock import SystemClock
from tests.bench.figures import Figure, percentile
from tests.support.daemon import DaemonProcess

_TARGET_MS = 1_000.0
_TRIES_A_ROUND = 3
_CHAT = "waiting"
_MILLISECOND = timedelta(milliseconds=1)


def measure_enabling(home: Path, rounds: int) -> Iterator[Figure]:
    """The orchestrator is switched off, somebody writes, it is switched on; both ends are read from one clock."""
    home /= "enabling"
    home.mkdir()
    with DaemonProcess(home, {"log": {"level": "info"}}) as daemon:
        daemon.wait_for_log("orchestrator.state", state="active")
        took = [_enable(daemon) for _ in range(rounds * _TRIES_A_ROUND)]
    yield Figure("enable → first dispatch, p50", median(took), "ms", _TARGET_MS)
    yield Figure("enable → first dispatch, worst", percentile(took, 100), "ms", _TARGET_MS)


def _enable(daemon: DaemonProcess) -> float:
    """Milliseconds from the request that lifts the hold to `run.opened` of what waited."""
    client = daemon.client
    client.post("/v1/orchestrator", {"action": "disable", "drain_ms": 0})
    state = client.get("/v1/orchestrator?wait=5")["state"]
    if state != "idle":
        raise AssertionError(f"disabled, and the orchestrator is {state}")
    seq = client.say(_CHAT, "hello")
    asked_at = SystemClock().now()
    client.post("/v1/orchestrator", {"action": "enable"})
    client.wait_for_replies(_CHAT, 1, seq)
    opened_at = datetime.fromisoformat(client.runs(_CHAT)[-1]["opened_at"])
    return (opened_at - asked_at) / _MILLISECOND
