"""The Pykka actor around one incarnation: a daemon thread, a mailbox, and nothing that can escape from it.

Pykka stops every actor of the process when a handler raises SystemExit, forgets `on_stop` after a crash and reports
no failed start; `Incarnation` catches everything, so Pykka sees a handler that always returns and an actor that
always ends by `stop`. (tests/supervision/test_pykka_contract.py pins what is relied on.)
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from typing import Any

import pykka

from intercomd.supervision.incarnation import Incarnation, Verdict
from intercomd.supervision.mailbox import Letter, Mailbox
from intercomd.supervision.node import Watcher
from intercomd.supervision.port import ExitReason

Post = Callable[..., None]


class _Ping:
    """The kit's question whether the loop takes what is put into its mailbox."""


_PING = _Ping()


class PykkaHost(pykka.ThreadingActor):
    """Reports to its watcher through `post`; all hooks run in the actor's own thread."""

    use_daemon_thread = True

    def __init__(self, incarnation: Incarnation, watcher: Watcher, post: Post) -> None:
        self._incarnation = incarnation
        self._watcher = watcher
        self._post = post
        super().__init__()

    def _create_actor_inbox(self) -> Mailbox:  # type: ignore[override]  # Pykka's is static; ours exists before the actor
        return self._incarnation.mailbox

    def on_start(self) -> None:
        threading.current_thread().name = self._incarnation.address.name
        if self._incarnation.open() is Verdict.NEXT:
            self._post(self._watcher.started, self._incarnation)
        else:
            self._end_itself()

    def on_receive(self, message: Any) -> None:
        if type(message) is not Letter:
            self._post(self._watcher.answered, self._incarnation)
            return
        verdict = self._incarnation.handle(message)
        if verdict is Verdict.NEXT:
            return
        if verdict is Verdict.PARK:
            self._incarnation.mailbox.wait_for_control(self._incarnation.park_delay_s)
        else:
            self._end_itself()

    def on_stop(self) -> None:
        self._incarnation.close()
        self._post(self._watcher.exited, self._incarnation)

    def _end_itself(self) -> None:
        self._incarnation.mailbox.close()
        if self._incarnation.has_clean_up:
            self._post(self._watcher.closing, self._incarnation)
        self.stop()


class PykkaHandle:
    """The `Host` of a running `PykkaHost`; silent when that has ended already, since its report is on the way."""

    def __init__(self, incarnation: Incarnation, ref: pykka.ActorRef[PykkaHost]) -> None:
        self._incarnation = incarnation
        self._ref = ref

    def ping(self) -> None:
        with contextlib.suppress(pykka.ActorDeadError):
            self._ref.tell(_PING)

    def end(self, reason: ExitReason) -> None:
        self._incarnation.request_end(reason)
        self._ref.stop(block=False)
