"""What the kit relies on in Pykka, or guards against; a new Pykka that differs fails here first."""

from __future__ import annotations

import queue
import threading
from typing import Any

import pykka
import pytest
from pykka._envelope import Envelope

from tests.support.waiting import DEADLINE_SECONDS, Probe, wait_for


class Doer(pykka.ThreadingActor):
    """Runs the callables it is sent; records its hooks."""

    use_daemon_thread = True

    def __init__(self, seen: Probe[str], start_error: Exception | None = None) -> None:
        super().__init__()
        self.seen = seen
        self.start_error = start_error

    def on_start(self) -> None:
        if self.start_error is not None:
            self.seen.record("start fails")
            raise self.start_error
        self.seen.record("start")

    def on_receive(self, message: Any) -> Any:
        return message()

    def on_stop(self) -> None:
        self.seen.record("stop")

    def on_failure(self, exception_type: Any, exception_value: Any, traceback: Any) -> None:
        self.seen.record("failure")


def fail() -> None:
    raise ValueError("told to")


def leave() -> None:
    raise SystemExit(3)


def stopped(ref: pykka.ActorRef[Doer]) -> bool:
    return ref.actor_stopped.wait(DEADLINE_SECONDS)


def test_exception_under_ask_goes_to_the_asker_and_the_actor_lives() -> None:
    """So a crash under ask must be made by the kit."""
    ref = Doer.start(Probe())
    with pytest.raises(ValueError, match="told to"):
        ref.ask(fail, timeout=DEADLINE_SECONDS)
    assert ref.ask(lambda: 1, timeout=DEADLINE_SECONDS) == 1
    ref.stop()


def test_exception_under_tell_ends_the_actor_without_on_stop() -> None:
    """So clean-up after a crash must be called by the kit."""
    seen: Probe[str] = Probe()
    ref = Doer.start(seen)
    ref.tell(fail)
    seen.wait_for(lambda what: what == "failure", "on_failure")
    assert stopped(ref)
    assert "stop" not in seen.values


def test_tells_behind_a_crash_vanish() -> None:
    """So a mailbox is a hint."""
    seen: Probe[str] = Probe()
    ref = Doer.start(seen)
    gate, entered = threading.Event(), threading.Event()

    def hold() -> None:
        entered.set()
        gate.wait(DEADLINE_SECONDS)

    ref.tell(hold)
    wait_for(entered, "the actor is busy")
    ref.tell(fail)
    ref.tell(lambda: seen.record("behind"))
    gate.set()
    seen.wait_for(lambda what: what == "failure", "on_failure")
    assert stopped(ref)
    assert "behind" not in seen.values


def test_failing_on_start_calls_no_hook_after_start_returned() -> None:
    """So the kit reports start failures itself."""
    seen: Probe[str] = Probe()
    ref = Doer.start(seen, ValueError("no"))
    assert stopped(ref)
    assert seen.wait_for_count(1) == ["start fails"]


def test_system_exit_in_a_handler_stops_every_actor() -> None:
    """So nothing may escape from a handler."""
    bystander = Doer.start(Probe())
    Doer.start(Probe()).tell(leave)
    assert stopped(bystander)


def test_ask_without_timeout_waits_until_answered() -> None:
    """So every ask of the kit has a deadline: the answer that never comes is waited for in vain."""
    ref = Doer.start(Probe())
    gate = threading.Event()
    future = ref.ask(lambda: gate.wait(DEADLINE_SECONDS), block=False)
    with pytest.raises(pykka.Timeout):
        future.get(timeout=0.01)
    gate.set()
    ref.stop()


def test_stop_queues_behind_the_mailbox() -> None:
    """So the kit's mailbox has a line of its own for control."""
    seen: Probe[str] = Probe()
    ref = Doer.start(seen)
    for number in range(3):
        ref.tell(lambda number=number: seen.record(str(number)))
    ref.stop()
    assert seen.values == ["start", "0", "1", "2", "stop"]


def test_threads_are_no_daemons_by_default() -> None:
    """So the kit's host says so itself: a stuck actor must not hold up the exit."""
    assert pykka.ThreadingActor.use_daemon_thread is False


def test_ended_actor_refuses_and_cannot_start_again() -> None:
    """So others hold addresses, never references."""
    ref = Doer.start(Probe())
    ref.stop()
    with pytest.raises(pykka.ActorDeadError):
        ref.tell(fail)
    assert not hasattr(ref, "start")


class Inbox:
    """All that Pykka uses of a queue."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[Envelope[Any]] = queue.SimpleQueue()

    def put(self, envelope: Envelope[Any]) -> None:
        self._queue.put(envelope)

    def get(self) -> Envelope[Any]:
        return self._queue.get()

    def empty(self) -> bool:
        return self._queue.empty()


class OwnInbox(Doer):
    @staticmethod
    def _create_actor_inbox() -> Inbox:
        return Inbox()


def test_inbox_needs_put_get_and_empty_only() -> None:
    """So the kit's mailbox can stand in for Pykka's queue."""
    ref = OwnInbox.start(Probe())
    assert ref.ask(lambda: 1, timeout=DEADLINE_SECONDS) == 1
    ref.stop()
    with pytest.raises(pykka.ActorDeadError):
        ref.ask(lambda: 1, timeout=DEADLINE_SECONDS)


def test_stop_reaches_the_inbox_as_an_envelope_without_blocking() -> None:
    """The kit ends actors by `stop(block=False)`, from any thread."""
    seen: Probe[str] = Probe()
    ref = Doer.start(seen)
    ref.stop(block=False)
    seen.wait_for(lambda what: what == "stop", "on_stop")


def test_a_thousand_actors_can_live() -> None:
    """Threads follow live groups, and a thousand are fine."""
    refs = [Doer.start(Probe()) for _ in range(1000)]
    assert [ref.ask(lambda: 1, timeout=DEADLINE_SECONDS) for ref in refs] == [1] * 1000
    for ref in refs:
        ref.stop()
