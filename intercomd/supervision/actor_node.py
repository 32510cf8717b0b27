"""An actor's place in the tree: one incarnation at a time, its start deadline, its stop budget."""

from __future__ import annotations

from collections.abc import Iterator

from intercomd.logs import EventLog
from intercomd.supervision.errors import StartFailed
from intercomd.supervision.incarnation import Incarnation
from intercomd.supervision.mailbox import Mailbox
from intercomd.supervision.node import Host, Parent, Stage
from intercomd.supervision.port import ChildSpec, ExitReason, TimerHandle
from intercomd.supervision.snapshot import NodeSnapshot, NodeState, observe_actor

_log = EventLog("supervision")


class ActorNode:
    """A `Node` and the `Watcher` of its incarnations; reports of an earlier incarnation are ignored.

    A restart counts as done only when the new incarnation has answered a ping, all within the start deadline.
    """

    def __init__(self, spec: ChildSpec, path: str, parent: Parent, stage: Stage) -> None:
        self.spec = spec
        self.path = path
        self.restart = spec.restart
        self.is_live = False
        self.state = NodeState.IDLE
        self._parent = parent
        self._stage = stage
        self._cell = stage.book.enter(path)
        self._address = stage.book.address(path)
        self._incarnation: Incarnation | None = None
        self._host: Host | None = None
        self._deadline: TimerHandle | None = None
        self._started_at: float | None = None
        self._restarts = 0
        self._is_again = False
        self._last_error: str | None = None
        self._overdue: str | None = None

    # -- life, as its parent wants it ----------------------------------------------------------------

    def open_mailbox(self) -> Mailbox:
        """Let items come in before the actor runs; `begin` does it when nobody has."""
        mailbox = Mailbox(self.path, self.spec.mailbox_limit)
        self._cell.mailbox = mailbox
        return mailbox

    def close_mailbox(self) -> None:
        """Refuse items from now on, for an actor that is not going to run."""
        if self._cell.mailbox is not None:
            self._cell.mailbox.close()
            self._cell.mailbox = None

    def begin(self, *, again: bool) -> None:
        mailbox = self._cell.mailbox or self.open_mailbox()
        incarnation = Incarnation(self.spec, self._address, mailbox, self._stage.surroundings)
        self._incarnation = incarnation
        self.is_live = True
        self.state = NodeState.RESTARTING if again else NodeState.STARTING
        self._is_again = again
        self._restarts += again
        self._overdue = None
        self._deadline = self._stage.later(self.spec.start_timeout, self._start_overdue, incarnation)
        try:
            self._host = self._stage.launch(incarnation, self)
        except StartFailed as error:
            incarnation.reason = ExitReason.START_FAILED
            incarnation.error = str(error)
            incarnation.mailbox.close()
            self._stage.post(self.exited, incarnation)

    def end(self, reason: ExitReason) -> None:
        if not self.is_live or self.state is NodeState.STOPPING:
            return
        self._await_end()
        if self._host is not None:
            self._host.end(reason)

    def hurry(self) -> None:
        self.end(ExitReason.SHUTDOWN)

    def abandon(self) -> None:
        self.end(ExitReason.SHUTDOWN)
        if self.is_live:
            self._give_up_waiting()

    def await_restart(self) -> None:
        self.state = NodeState.RESTARTING

    def rest(self, reason: ExitReason) -> None:
        if not self.is_live and self.state not in (NodeState.IDLE, NodeState.ZOMBIE):
            is_fine = reason in (ExitReason.NORMAL, ExitReason.SHUTDOWN, ExitReason.LINK_DIED)
            self.state = NodeState.STOPPED if is_fine else NodeState.FAILED

    # -- life, as its host reports it ----------------------------------------------------------------

    def started(self, incarnation: Incarnation) -> None:
        if incarnation is not self._incarnation or self.state is NodeState.STOPPING:
            return
        if self._is_again:
            assert self._host is not None, "a started actor has a host"
            self._host.ping()
        else:
            self._run()

    def answered(self, incarnation: Incarnation) -> None:
        if incarnation is self._incarnation and self.state is NodeState.RESTARTING:
            self._run()

    def closing(self, incarnation: Incarnation) -> None:
        if incarnation is self._incarnation and self.state is not NodeState.STOPPING:
            self._await_end()

    def exited(self, incarnation: Incarnation) -> None:
        if incarnation is not self._incarnation:
            self._stage.drop_zombie(incarnation)
            return
        reason = incarnation.reason
        if self._overdue is not None:
            reason, incarnation.error = ExitReason.START_FAILED, self._overdue
        self._over(reason, incarnation)

    # -- in between ----------------------------------------------------------------------------------

    def _run(self) -> None:
        self._cancel_deadline()
        self.state = NodeState.RUNNING
        self._started_at = self._stage.surroundings.clock.monotonic()
        if self._is_again:
            _log.warning("actor.restarted", actor=self.path, restarts=self._restarts)
        else:
            _log.debug("actor.started", actor=self.path)
        self._stage.post(self._parent.child_started, self)

    def _start_overdue(self, incarnation: Incarnation) -> None:
        if incarnation is not self._incarnation:
            return
        seconds = self.spec.start_timeout.total_seconds()
        self._overdue = f"did not {'answer' if self._is_again else 'start'} within {seconds:g} s"
        _log.error("actor.start_overdue", actor=self.path, timeout_s=seconds)
        self.end(ExitReason.SHUTDOWN)

    def _await_end(self) -> None:
        self._cancel_deadline()
        self.state = NodeState.STOPPING
        self._deadline = self._stage.later(self.spec.stop_timeout, self._give_up_waiting)

    def _give_up_waiting(self) -> None:
        incarnation = self._incarnation
        assert incarnation is not None, "only a live actor is waited for"
        self._stage.add_zombie(incarnation)
        error = self._overdue or incarnation.error or "did not stop within its budget"
        incarnation.error = error
        _log.error("actor.zombie", actor=self.path, error=error)
        self._over(ExitReason.START_FAILED if self._overdue else ExitReason.ZOMBIE, incarnation)
        self.state = NodeState.ZOMBIE

    def _over(self, reason: ExitReason, incarnation: Incarnation) -> None:
        self._cancel_deadline()
        self._incarnation = self._host = None
        self._cell.mailbox = None
        self._last_error = incarnation.error or self._last_error
        self.is_live = False
        self.rest(reason)
        self._stage.post(self._parent.child_ended, self, reason, incarnation.error)

    def _cancel_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    # -- seen from outside ---------------------------------------------------------------------------

    def observe(self) -> Iterator[NodeSnapshot]:
        yield observe_actor(
            self.path,
            self.state,
            self._incarnation,
            self._stage.surroundings.clock,
            restarts=self._restarts,
            last_error=self._last_error,
            dropped_hints=self._cell.dropped_hints,
            started_at=self._started_at,
        )
