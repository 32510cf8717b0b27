"""tests/support/waiting.py: it returns when the awaited thing happens and fails when it does not."""

from __future__ import annotations

import threading

import pytest

from intercomd.logs import EventLog
from tests.support import waiting
from tests.support.waiting import Probe, join, logged_events, wait_for


def test_probe_returns_what_another_thread_records() -> None:
    """A wait that began before the value was there ends with it."""
    probe: Probe[int] = Probe()

    def record_five() -> None:
        for number in range(5):
            probe.record(number)

    recorder = threading.Thread(target=record_five)
    recorder.start()
    assert probe.wait_for(lambda number: number == 3, "the number 3") == 3
    assert probe.wait_for_count(5) == [0, 1, 2, 3, 4]
    join(recorder)


def test_log_events_are_found_by_name_and_fields() -> None:
    """A log event is awaited by its name and those of its fields that matter."""
    with logged_events() as log:
        EventLog("part").debug("run.started", run_id="r-1")
        EventLog("part").info("run.started", run_id="r-2", pid=7)
    assert log.wait_for_event("run.started", run_id="r-2").fields == {"run_id": "r-2", "pid": 7}


def test_wait_fails_at_the_deadline_and_says_for_what(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is awaited for ever, and the failure names what was awaited."""
    monkeypatch.setattr(waiting, "DEADLINE_SECONDS", 0.01)
    with pytest.raises(AssertionError, match="the daemon is up"):
        wait_for(threading.Event(), "the daemon is up")
    probe: Probe[int] = Probe()
    probe.record(1)
    with pytest.raises(AssertionError, match=r"a reply; recorded: \[1\]"):
        probe.wait_for(lambda number: number == 2, "a reply")
