"""The stage of the daemon: Pykka threads for actors, one for control, one for timers."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pykka

from intercomd.logs import EventLog
from intercomd.supervision.addresses import AddressBook
from intercomd.supervision.errors import StartFailed
from intercomd.supervision.host import PykkaHandle, PykkaHost
from intercomd.supervision.incarnation import Incarnation, Surroundings, describe
from intercomd.supervision.mailbox import Mailbox
from intercomd.supervision.node import Host, Watcher
from intercomd.supervision.policy import Policy
from intercomd.supervision.port import ExitReason, TimerHandle
from intercomd.supervision.timer_thread import TimerThread

_log = EventLog("supervision")
_PULSE = timedelta(seconds=1)
_JOIN_S = 1.0

Broken = Callable[[str], None]
"""Told once when control itself has failed."""


class _Overseer(pykka.ThreadingActor):
    """The control context: runs posted calls one after the other."""

    use_daemon_thread = True

    def __init__(self, stage: ThreadStage) -> None:
        self._stage = stage
        super().__init__()

    @staticmethod
    def _create_actor_inbox() -> Mailbox:
        return Mailbox("overseer", 0)

    def on_receive(self, message: Any) -> None:
        self._stage.run(message)


class ThreadStage:
    """A `Stage`. `start` and `stop` once each; `progress_at` is when control was last seen working."""

    def __init__(self, book: AddressBook, policy: Policy, broken: Broken) -> None:
        self.book = book
        self._timers = TimerThread("supervision-timers", book.clock)
        self.surroundings = Surroundings(book.clock, policy, self._timers)
        self.zombies: dict[Incarnation, str] = {}
        self.progress_at = book.clock.monotonic()
        self._policy = policy
        self._random = random.Random(policy.seed)
        self._broken: Broken | None = broken
        self._overseer: pykka.ActorRef[_Overseer] | None = None

    def start(self) -> None:
        self._timers.start()
        self._overseer = _Overseer.start(self)
        self._pulse()

    def stop(self) -> None:
        """End the timers, then control; zombies that end later report to nobody."""
        self._timers.stop(_JOIN_S)
        if self._overseer is not None:
            with contextlib.suppress(pykka.Timeout):
                self._overseer.stop(block=True, timeout=_JOIN_S)

    # -- Stage ---------------------------------------------------------------------------------------

    def launch(self, incarnation: Incarnation, watcher: Watcher) -> Host:
        try:
            ref = PykkaHost.start(incarnation, watcher, self.post)
        except RuntimeError as error:  # "can't start new thread"
            raise StartFailed(describe(error)) from error
        return PykkaHandle(incarnation, ref)

    def post(self, callback: Callable[..., None], *args: object) -> None:
        overseer = self._overseer
        if overseer is None:
            return
        try:
            overseer.tell((callback, args))
        except pykka.ActorDeadError:
            _log.debug("supervision.report_late", report=getattr(callback, "__name__", "?"))

    def later(self, delay: timedelta, callback: Callable[..., None], *args: object) -> TimerHandle:
        return _Later(self, delay, callback, args)

    def call_later(self, delay: timedelta, callback: Callable[[], None]) -> TimerHandle:
        return self._timers.call_later(delay, callback)

    def restart_delay(self, failures: int) -> timedelta:
        return self._policy.restart_delay(failures, self._random)

    def add_zombie(self, incarnation: Incarnation) -> None:
        incarnation.request_end(ExitReason.ZOMBIE)
        self.zombies[incarnation] = incarnation.address.name

    def drop_zombie(self, incarnation: Incarnation) -> None:
        if self.zombies.pop(incarnation, None) is not None:
            _log.warning("actor.zombie_ended", actor=incarnation.address.name)

    # -- control -------------------------------------------------------------------------------------

    def run(self, call: tuple[Callable[..., None], tuple[object, ...]]) -> None:
        callback, args = call
        try:
            callback(*args)
        except BaseException as error:  # noqa: BLE001 - the crash rule for control itself: nobody is left to restart it
            _log.error("supervision.broken", exc=error)
            broken, self._broken = self._broken, None
            if broken is not None:
                broken(f"supervision itself failed: {describe(error)}")
        self.progress_at = self.book.clock.monotonic()

    def _pulse(self) -> None:
        self.progress_at = self.book.clock.monotonic()
        self.later(_PULSE, self._pulse)


class _Later:
    """A timer whose callback runs in the control context unless it was cancelled before it got there."""

    __slots__ = ("_args", "_callback", "_handle", "_is_cancelled", "_stage")

    def __init__(
        self, stage: ThreadStage, delay: timedelta, callback: Callable[..., None], args: tuple[object, ...]
    ) -> None:
        self._stage = stage
        self._callback = callback
        self._args = args
        self._is_cancelled = False
        self._handle = stage.call_later(delay, self._fire)

    def cancel(self) -> None:
        self._is_cancelled = True
        self._handle.cancel()

    def _fire(self) -> None:
        self._stage.post(self._run)

    def _run(self) -> None:
        if not self._is_cancelled:
            self._callback(*self._args)
