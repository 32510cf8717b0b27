"""A supervisor of named children: starts them in order, stops them in reverse, restarts them by its strategy.

States: idle → starting → running ⇄ restarting → stopping → stopped | failed | idle. What it is in the middle of is
two lists, the children still to stop and those still to start, worked off one at a time by `_advance`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from intercomd.logs import EventLog
from intercomd.supervision.intensity import Intensity
from intercomd.supervision.node import Node, Parent, Stage
from intercomd.supervision.port import ExitReason, Restart, Strategy, SupervisorSpec, TimerHandle
from intercomd.supervision.snapshot import NodeKind, NodeSnapshot, NodeState

_log = EventLog("supervision")

Done = Callable[[str | None], None]
"""Called with None, or with the reason why it did not work."""


class Supervisor:
    """A `Node` with children; the tree's builder fills `children` in."""

    def __init__(self, spec: SupervisorSpec, path: str, parent: Parent, stage: Stage) -> None:
        self.path = path
        self._name = path or spec.name
        self.restart = spec.restart
        self.is_live = False
        self.state = NodeState.IDLE
        self.children: tuple[Node, ...] = ()
        self._strategy = spec.strategy
        self._parent = parent
        self._stage = stage
        self._intensity = Intensity(spec.max_restarts, spec.within)
        self._is_wanted = not spec.starts_idle
        self._is_again = False
        self._restarts = 0
        self._last_error: str | None = None
        self._to_stop: list[Node] = []
        self._to_start: list[Node] = []
        self._awaited: Node | None = None
        self._pauses: dict[Node, TimerHandle] = {}
        self._group_pause: TimerHandle | None = None
        self._outcome: tuple[ExitReason, str | None] = (ExitReason.SHUTDOWN, None)
        self._reports_end = False
        self._early_ends: list[tuple[Node, ExitReason, str | None]] = []
        self._activation: Done | None = None
        self._deactivation: Done | None = None

    # -- life, as its parent wants it ----------------------------------------------------------------

    def begin(self, *, again: bool) -> None:
        if not self._is_wanted:
            self.state = NodeState.IDLE
            self._stage.post(self._parent.child_started, self)
            return
        self._restarts += again
        self._start_all(again=again)

    def end(self, reason: ExitReason) -> None:
        if not self.is_live:
            return
        self._reports_end = True
        if self.state is not NodeState.STOPPING:
            self._stop_all(reason, None)

    def hurry(self) -> None:
        self._end_unless_ending()
        for child in self.children:
            child.hurry()

    def abandon(self) -> None:
        self._end_unless_ending()
        for child in self.children:
            child.abandon()

    def _end_unless_ending(self) -> None:
        """Unlike `end`, this asks for no report that a deactivation would not give."""
        if self.state is not NodeState.STOPPING:
            self.end(ExitReason.SHUTDOWN)

    def await_restart(self) -> None:
        self.state = NodeState.RESTARTING

    def rest(self, reason: ExitReason) -> None:
        if self.state is NodeState.RESTARTING:
            self.state = NodeState.STOPPED if reason is ExitReason.SHUTDOWN else NodeState.FAILED

    # -- a subtree that starts idle ------------------------------------------------------------------

    def activate(self, done: Done) -> None:
        """Start the children of an idle subtree; a failure stops them again and leaves it failed."""
        if self.state is NodeState.RUNNING:
            done(None)
        elif self.is_live or self.state is NodeState.RESTARTING:
            done(f"it is {self.state} at the moment")
        else:
            self._is_wanted = True
            self._activation = done
            self._start_all(again=False)

    def deactivate(self, done: Done) -> None:
        """Stop the children and stay idle."""
        self._is_wanted = False
        if not self.is_live:
            self.state = NodeState.IDLE
            done(None)
            return
        self._deactivation = done
        if self.state is not NodeState.STOPPING:
            self._stop_all(ExitReason.SHUTDOWN, None)

    # -- what children report ------------------------------------------------------------------------

    def child_started(self, child: Node) -> None:
        if child is self._awaited:
            self._awaited = None
            self._advance()

    def child_ended(self, child: Node, reason: ExitReason, error: str | None) -> None:
        was_awaited = child is self._awaited
        if was_awaited:
            self._awaited = None
        if self.state is NodeState.STARTING:
            if was_awaited:
                self._fail_start(child, error)
            else:
                self._early_ends.append((child, reason, error))
        elif self.state is NodeState.RUNNING:
            self._repair(child, reason, error)
        elif self.state is NodeState.RESTARTING:
            if child in self._to_start:
                self._advance()  # stopped for the repair, or fallen before its turn to be stopped
            else:
                self._repair(child, reason, error)
        elif self.state is NodeState.STOPPING:
            self._advance()

    # -- decisions -----------------------------------------------------------------------------------

    def _start_all(self, *, again: bool) -> None:
        self.is_live = True
        self.state = NodeState.STARTING
        self._is_again = again
        self._reports_end = False
        self._intensity.clear()
        self._to_start = list(self.children)
        self._advance()

    def _fail_start(self, child: Node, error: str | None) -> None:
        self._reports_end = self._activation is None
        self._stop_all(ExitReason.START_FAILED, f"{child.path}: {error}")

    def _repair(self, child: Node, reason: ExitReason, error: str | None) -> None:
        """A child ended that nobody asked to: restart what the strategy says, leave it, or give up."""
        is_failure = reason is not ExitReason.NORMAL
        if child.restart is Restart.TEMPORARY or (child.restart is Restart.TRANSIENT and not is_failure):
            child.rest(reason)
            _log.info("actor.ended", actor=child.path, reason=reason)
            self._advance()
            return
        failures = self._intensity.record(self._stage.surroundings.clock.monotonic())
        if self._intensity.is_exceeded:
            self._give_up(child, reason, error)
            return
        delay = self._stage.restart_delay(failures)
        child.await_restart()
        if self._strategy is Strategy.ONE_FOR_ONE:
            self._pauses[child] = self._stage.later(delay, self._restart_one, child)
            return
        first = self.children.index(child) if self._strategy is Strategy.REST_FOR_ONE else 0
        self._plan_group_repair(first)
        self._cancel_pauses()
        self._group_pause = self._stage.later(delay, self._restart_group)
        self._advance()

    def _plan_group_repair(self, first: int) -> None:
        """Stop everything from child `first` on in reverse, then start it in order; widens a repair under way."""
        if self._to_start:
            first = min(first, self.children.index(self._to_start[0]))
        affected = self.children[first:]
        if self._awaited in affected and self._awaited not in self._to_start:
            self._awaited = None  # it is being started: stop it like the others
        self.state = NodeState.RESTARTING
        self._is_again = True
        self._to_stop = list(affected)
        self._to_start = [child for child in affected if child.restart is not Restart.TEMPORARY]

    def _restart_one(self, child: Node) -> None:
        del self._pauses[child]
        child.begin(again=True)

    def _restart_group(self) -> None:
        self._group_pause = None
        self._advance()

    def _give_up(self, child: Node, reason: ExitReason, error: str | None) -> None:
        text = f"gave up after too many failures, the last one {reason} in {child.path}: {error}"
        _log.error("supervisor.gave_up", supervisor=self._name, child=child.path, reason=reason, error=error)
        self._reports_end = True
        self._stop_all(ExitReason.CRASHED, text)

    def _stop_all(self, reason: ExitReason, error: str | None) -> None:
        self.state = NodeState.STOPPING
        _log.debug("supervisor.stopping", supervisor=self._name, reason=reason)
        self._outcome = (reason, error)
        self._early_ends.clear()
        for child in (*self._pauses, *self._to_start):
            child.rest(ExitReason.SHUTDOWN)
        self._cancel_pauses()
        self._to_start = []
        self._to_stop = list(self.children)
        self._awaited = None
        self._advance()

    # -- work ----------------------------------------------------------------------------------------

    def _advance(self) -> None:
        """The next child to stop, then the next to start; one at a time, then `_settle`."""
        while self._to_stop and self._awaited is None:
            child = self._to_stop.pop()
            if child.is_live:
                self._awaited = child
                child.end(ExitReason.SHUTDOWN)
        if self._awaited is not None or self._group_pause is not None:
            return
        if self._to_start:
            self._awaited = self._to_start.pop(0)
            self._awaited.begin(again=self._is_again)
            return
        self._settle()

    def _settle(self) -> None:
        if self.state is NodeState.STOPPING:
            self._over()
        elif self.state is NodeState.STARTING:
            self.state = NodeState.RUNNING
            _log.info("supervisor.started", supervisor=self._name, restarts=self._restarts)
            if self._activation is not None:
                activation, self._activation = self._activation, None
                activation(None)
            else:
                self._stage.post(self._parent.child_started, self)
            early_ends, self._early_ends = self._early_ends, []
            for child, reason, error in early_ends:
                self.child_ended(child, reason, error)
        elif self.state is NodeState.RESTARTING:
            self.state = NodeState.RUNNING
            _log.info("supervisor.repaired", supervisor=self._name)

    def _over(self) -> None:
        reason, error = self._outcome
        self.is_live = False
        self._last_error = error or self._last_error
        if self._deactivation is not None:
            self.state = NodeState.IDLE
            deactivation, self._deactivation = self._deactivation, None
            deactivation(None)
        else:
            self.state = NodeState.STOPPED if reason is ExitReason.SHUTDOWN else NodeState.FAILED
        if self._activation is not None:
            activation, self._activation = self._activation, None
            self._is_wanted = False
            activation(error or "it was stopped while starting")
        if self._reports_end:
            self._stage.post(self._parent.child_ended, self, reason, error)

    def _cancel_pauses(self) -> None:
        for pause in self._pauses.values():
            pause.cancel()
        self._pauses.clear()
        if self._group_pause is not None:
            self._group_pause.cancel()
            self._group_pause = None

    # -- seen from outside ---------------------------------------------------------------------------

    def observe(self) -> Iterator[NodeSnapshot]:
        yield NodeSnapshot(self.path, NodeKind.SUPERVISOR, self.state, self._restarts, last_error=self._last_error)
        for child in self.children:
            yield from child.observe()
