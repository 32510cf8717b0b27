"""A supervision tree as the daemon uses it: start, stop, activate a part, look at it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta

from intercomd.clock import Clock
from intercomd.logs import EventLog
from intercomd.supervision.addresses import AddressBook
from intercomd.supervision.assembly import assemble
from intercomd.supervision.errors import StartFailed
from intercomd.supervision.node import Node
from intercomd.supervision.policy import Policy
from intercomd.supervision.port import ChildSpec, DynamicSpec, ExitReason, SupervisorSpec
from intercomd.supervision.snapshot import TreeSnapshot
from intercomd.supervision.stage import ThreadStage
from intercomd.supervision.supervisor import Supervisor

__all__ = ["AddressBook", "Policy", "StartFailed", "SupervisionTree"]

_log = EventLog("supervision")
_SLACK = timedelta(seconds=5)
"""What control may take beyond the children's own budgets before a caller stops waiting for it."""
_HURRY = timedelta(milliseconds=200)
"""After a stop's time-out: what everything left gets to end at once before it is left behind."""


class SupervisionTree:
    """One tree, started and stopped once. Its methods block and are for threads that are no actors of it.

    `on_give_up` is called at most once, in the control thread, when the root gave up (its children are stopped by
    then) or control itself failed; it must return at once.
    """

    def __init__(
        self,
        spec: SupervisorSpec,
        book: AddressBook,
        *,
        clock: Clock | None = None,
        on_give_up: Callable[[str], None] | None = None,
        policy: Policy | None = None,
    ) -> None:
        book.clock = clock or book.clock
        self._spec = spec
        self._on_give_up = on_give_up
        self._stage = ThreadStage(book, policy or Policy(), self._give_up)
        self._root = assemble(spec, self, self._stage)
        self._starting: _Waiting | None = None
        self._ended = threading.Event()
        self._is_running = False

    def start(self) -> None:
        """Start every child in order, each within its deadline; raises `StartFailed` and leaves nothing running."""
        self._starting = _Waiting()
        self._stage.start()
        self._is_running = True
        self._stage.post(lambda: self._root.begin(again=False))
        error = self._starting.result(_longest(self._spec))
        if error is not None:
            self._shut_down()
            raise StartFailed(f"the supervision tree did not start: {error}")

    def stop(self, timeout: timedelta) -> tuple[str, ...]:
        """Stop every child in reverse order, each within its budget, all within `timeout`.

        What is not done by then is asked to stop at once and left behind. Returns the names of threads left
        behind, now or earlier, that still run. Idempotent.
        """
        if self._is_running:
            self._stage.post(self._end_root)
            if not self._ended.wait(timeout.total_seconds()):
                _log.error("supervision.stop_overdue", timeout_s=timeout.total_seconds())
                self._stage.post(self._root.hurry)
                if not self._ended.wait(_HURRY.total_seconds()):
                    self._stage.post(self._root.abandon)
                    self._ended.wait(_SLACK.total_seconds())
            self._shut_down()
        return tuple(self._stage.zombies.values())

    def activate(self, path: str) -> None:
        """Start the subtree at `path`, which starts idle; raises `StartFailed` and leaves it stopped."""
        subtree = self._subtree(path)
        waiting = _Waiting()
        self._stage.post(subtree.activate, waiting.done)
        error = waiting.result(_longest(self._spec))
        if error is not None:
            raise StartFailed(f"{path} did not start: {error}")

    def deactivate(self, path: str, timeout: timedelta) -> None:
        """Stop the subtree at `path` as `stop` does, and leave it idle."""
        subtree = self._subtree(path)
        waiting = _Waiting()
        self._stage.post(subtree.deactivate, waiting.done)
        if not waiting.is_over(timeout):
            self._stage.post(subtree.hurry)
            if not waiting.is_over(_HURRY):
                self._stage.post(subtree.abandon)
                waiting.is_over(_SLACK)

    def snapshot(self) -> TreeSnapshot:
        """The tree as it is; waits for nobody, from any thread."""
        age = self._stage.surroundings.clock.monotonic() - self._stage.progress_at
        zombies = tuple(self._stage.zombies.values())
        return TreeSnapshot(tuple(self._root.observe()), zombies, age)

    # -- the root's parent ---------------------------------------------------------------------------

    def child_started(self, child: Node) -> None:
        self._report_start(None)

    def child_ended(self, child: Node, reason: ExitReason, error: str | None) -> None:
        self._ended.set()
        if reason is ExitReason.START_FAILED:
            self._report_start(error or "no reason given")
        elif reason is ExitReason.CRASHED:
            self._give_up(error or "no reason given")

    def _end_root(self) -> None:
        if self._root.is_live:
            self._root.end(ExitReason.SHUTDOWN)
        else:
            self._ended.set()

    def _report_start(self, error: str | None) -> None:
        if self._starting is not None:
            self._starting.done(error)

    def _give_up(self, reason: str) -> None:
        self._report_start(reason)
        on_give_up, self._on_give_up = self._on_give_up, None
        if on_give_up is not None:
            on_give_up(reason)

    # -- in between ----------------------------------------------------------------------------------

    def _shut_down(self) -> None:
        self._is_running = False
        self._stage.stop()

    def _subtree(self, path: str) -> Supervisor:
        for supervisor in _supervisors(self._root):
            if supervisor.path == path:
                return supervisor
        raise ValueError(f"the tree has no supervisor {path!r}")


class _Waiting:
    """A caller's wait for control to say how something went; the first word counts."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._error: str | None = None

    def done(self, error: str | None) -> None:
        if not self._event.is_set():
            self._error = error
            self._event.set()

    def is_over(self, timeout: timedelta) -> bool:
        return self._event.wait(timeout.total_seconds())

    def result(self, timeout: timedelta) -> str | None:
        return self._error if self.is_over(timeout) else f"supervision did not answer within {timeout}"


def _supervisors(root: Supervisor) -> list[Supervisor]:
    below = [child for child in root.children if isinstance(child, Supervisor)]
    return [root, *(found for child in below for found in _supervisors(child))]


def _longest(spec: ChildSpec | SupervisorSpec | DynamicSpec) -> timedelta:
    """The longest that starting all of it, and stopping it again, can take."""
    if isinstance(spec, ChildSpec):
        return spec.start_timeout + 2 * spec.stop_timeout
    if isinstance(spec, SupervisorSpec):
        return sum((_longest(child) for child in spec.children), _SLACK)
    return _SLACK
