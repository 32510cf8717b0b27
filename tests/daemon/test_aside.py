"""Threads for what takes long: every call has an end, and nothing is begun after the last."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from intercomd.daemon.aside import AsideThreads
from intercomd.domain.agent_files import ToolAnswer
from intercomd.errors import StoreUnavailable
from tests.support.waiting import Probe, logged_events, wait_for

DONE = ToolAnswer(True, "done")


@pytest.fixture
def aside() -> Iterator[AsideThreads]:
    threads = AsideThreads()
    yield threads
    threads.close()


def raising(error: Exception) -> ToolAnswer:
    raise error


def test_calls_are_made_beside_each_other(aside: AsideThreads) -> None:
    """One that hangs holds up no other (B-88)."""
    answers: Probe[ToolAnswer | None] = Probe()
    is_over = threading.Event()

    def hang() -> ToolAnswer:
        wait_for(is_over, "the test's end")
        return ToolAnswer(False, "late")

    aside.submit(hang, answers.record)
    aside.submit(lambda: DONE, answers.record)
    assert answers.wait_for_count(1) == [DONE]
    is_over.set()
    assert len(answers.wait_for_count(2)) == 2


def test_store_that_is_away_is_no_answer(aside: AsideThreads) -> None:
    """The call is to be made again."""
    answers: Probe[ToolAnswer | None] = Probe()
    aside.submit(lambda: raising(StoreUnavailable("away")), answers.record)
    assert answers.wait_for_count(1) == [None]


def test_defect_is_an_answer_and_is_logged(aside: AsideThreads) -> None:
    """A call that would fail again each time does not come up for ever."""
    answers: Probe[ToolAnswer | None] = Probe()
    with logged_events() as log:
        aside.submit(lambda: raising(ValueError("a defect")), answers.record)
        (answer,) = answers.wait_for_count(1)
        log.wait_for_event("aside.crashed")
    assert answer is not None and not answer.is_ok


def test_close_waits_for_what_was_begun_and_begins_nothing_more() -> None:
    """After it no thread of ours asks anybody anything."""
    aside = AsideThreads()
    answers: Probe[ToolAnswer | None] = Probe()
    aside.submit(lambda: DONE, answers.record)
    aside.close()
    assert answers.values in ([DONE], [])
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("aside")]
