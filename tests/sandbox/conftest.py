"""Engines under test, and the rule that no sandbox leaves a thread, a descriptor or a process behind."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from intercomd.clock import SystemClock
from intercomd.sandbox.bubblewrap import BubblewrapEngine
from intercomd.sandbox.port import SandboxEngine
from intercomd.sandbox.process import ProcessEngine
from tests.sandbox.harness import Bench, open_bench


@pytest.fixture(params=["process", pytest.param("bubblewrap", marks=pytest.mark.full)])
def engine(request: pytest.FixtureRequest) -> SandboxEngine:
    """Every engine in turn; an engine that does not work here is a failure, not a skip."""
    clock = SystemClock()
    engine: SandboxEngine = ProcessEngine(clock) if request.param == "process" else BubblewrapEngine(clock)
    assert engine.check() is None
    return engine


@pytest.fixture
def bench(engine: SandboxEngine, tmp_path: Path) -> Iterator[Bench]:
    descriptors = set(os.listdir("/proc/self/fd"))
    with open_bench(engine, tmp_path) as bench:
        yield bench
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("sandbox ")]
    assert set(os.listdir("/proc/self/fd")) <= descriptors
