"""A supervisor of children that are asked for at run time; they are never restarted.

Asking (`ask_for`, `ask_end`, `names`) comes from any actor's thread and only writes the list of members under a
lock; everything else happens in the control context, and nothing in either waits for a child.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator

from intercomd.errors import ActorUnavailable
from intercomd.logs import EventLog
from intercomd.supervision.actor_node import ActorNode
from intercomd.supervision.addresses import BookAddress
from intercomd.supervision.intensity import Intensity
from intercomd.supervision.node import Node, Parent, Stage
from intercomd.supervision.port import Address, ChildExited, ChildSpec, DynamicSpec, ExitReason
from intercomd.supervision.snapshot import NodeKind, NodeSnapshot, NodeState

_log = EventLog("supervision")


class _Member:
    """A child that was asked for, until it and everything linked to it is gone."""

    def __init__(self, spec: ChildSpec, node: ActorNode) -> None:
        self.spec = spec
        self.node = node
        self.linked_to: _Member | None = None
        self.dependents: list[_Member] = []
        self.outcome: tuple[ExitReason, str | None] | None = None


class DynamicSupervisor:
    """A `Node`, the `Parent` of its members' nodes and the `Nursery` behind `Children`."""

    def __init__(self, spec: DynamicSpec, path: str, parent: Parent, stage: Stage) -> None:
        self.path = path
        self.restart = spec.restart
        self.is_live = False
        self.state = NodeState.IDLE
        self._parent = parent
        self._stage = stage
        self._max_crashes = spec.max_crashes
        self._intensity = Intensity(spec.max_crashes, spec.within)
        self._members: dict[str, _Member] = {}
        self._lock = threading.Lock()
        self._takes_members = False
        self._outcome: tuple[ExitReason, str | None] = (ExitReason.SHUTDOWN, None)
        self._restarts = 0
        self._last_error: str | None = None

    # -- what actors ask, any thread -----------------------------------------------------------------

    def ask_for(self, spec: ChildSpec) -> None:
        """Enter a child and have it launched; items told to it from now on wait in its mailbox."""
        if spec.linked_to == spec.name:
            raise ValueError(f"{self.path}: {spec.name!r} cannot be linked to itself")
        with self._lock:
            if not self._takes_members:
                raise ActorUnavailable(f"{self.path} is not running")
            if spec.name in self._members:
                raise ValueError(f"{self.path} has a child named {spec.name!r} already")
            member = _Member(spec, ActorNode(spec, f"{self.path}/{spec.name}", self, self._stage))
            member.node.open_mailbox()
            self._members[spec.name] = member
        self._stage.post(self._launch, member)

    def ask_end(self, name: str) -> None:
        self._stage.post(self._end_member, name)

    def names(self) -> frozenset[str]:
        with self._lock:
            return frozenset(self._members)

    # -- life, as its parent wants it ----------------------------------------------------------------

    def begin(self, *, again: bool) -> None:
        self._restarts += again
        self._intensity.clear()
        self.is_live = True
        self.state = NodeState.RUNNING
        with self._lock:
            self._takes_members = True
        self._stage.post(self._parent.child_started, self)

    def end(self, reason: ExitReason) -> None:
        if self.is_live and self.state is not NodeState.STOPPING:
            self._stop_all(reason, None)

    def hurry(self) -> None:
        self.end(ExitReason.SHUTDOWN)

    def abandon(self) -> None:
        self.end(ExitReason.SHUTDOWN)
        for member in tuple(self._members.values()):
            member.node.abandon()

    def await_restart(self) -> None:
        self.state = NodeState.RESTARTING

    def rest(self, reason: ExitReason) -> None:
        if self.state is NodeState.RESTARTING:
            self.state = NodeState.STOPPED if reason is ExitReason.SHUTDOWN else NodeState.FAILED

    # -- what members' nodes report ------------------------------------------------------------------

    def child_started(self, child: Node) -> None:
        """Nobody waits for it."""

    def child_ended(self, child: Node, reason: ExitReason, error: str | None) -> None:
        member = self._members[child.path.removeprefix(f"{self.path}/")]
        member.outcome = (reason, error)
        self._last_error = error or self._last_error
        self._release(member)
        is_crash = reason in (ExitReason.CRASHED, ExitReason.START_FAILED, ExitReason.ZOMBIE)
        if is_crash and self._max_crashes > 0 and self.state is NodeState.RUNNING:
            self._intensity.record(self._stage.surroundings.clock.monotonic())
            if self._intensity.is_exceeded:
                text = f"gave up after too many crashes, the last one in {child.path}: {error}"
                _log.error("supervisor.gave_up", supervisor=self.path, child=child.path, reason=reason, error=error)
                self._stop_all(ExitReason.CRASHED, text)

    # -- work, in the control context ----------------------------------------------------------------

    def _launch(self, member: _Member) -> None:
        if self.state is not NodeState.RUNNING:
            self._never_launch(member, ExitReason.SHUTDOWN)
            return
        if member.spec.linked_to is not None:
            sibling = self._members.get(member.spec.linked_to)
            if sibling is None or sibling.outcome is not None:
                self._never_launch(member, ExitReason.LINK_DIED)
                return
            member.linked_to = sibling
            sibling.dependents.append(member)
        member.node.begin(again=False)

    def _never_launch(self, member: _Member, reason: ExitReason) -> None:
        member.node.close_mailbox()
        member.outcome = (reason, None)
        self._release(member)

    def _end_member(self, name: str) -> None:
        member = self._members.get(name)
        if member is not None:
            member.node.end(ExitReason.SHUTDOWN)

    def _release(self, member: _Member) -> None:
        """Let a gone member's name go and tell its monitors, once everything linked to it is gone too."""
        if member.outcome is None:
            return
        if member.dependents:
            for dependent in member.dependents:
                dependent.node.end(ExitReason.LINK_DIED)
            return
        with self._lock:
            del self._members[member.spec.name]
            self._stage.book.strike(member.node.path)
        exited = ChildExited(member.spec.name, *member.outcome)
        for monitor in member.spec.monitors:
            _tell(monitor, exited)
        if member.linked_to is not None:
            member.linked_to.dependents.remove(member)
            self._release(member.linked_to)
        if self.state is NodeState.STOPPING:
            self._finish_stop()

    def _stop_all(self, reason: ExitReason, error: str | None) -> None:
        self.state = NodeState.STOPPING
        self._outcome = (reason, error)
        with self._lock:
            self._takes_members = False
            members = tuple(self._members.values())
        for member in members:
            member.node.end(ExitReason.SHUTDOWN)
        self._finish_stop()

    def _finish_stop(self) -> None:
        if self._members or not self.is_live:
            return
        self.is_live = False
        reason, error = self._outcome
        self._last_error = error or self._last_error
        self.state = NodeState.STOPPED if reason is ExitReason.SHUTDOWN else NodeState.FAILED
        self._stage.post(self._parent.child_ended, self, reason, error)

    # -- seen from outside ---------------------------------------------------------------------------

    def observe(self) -> Iterator[NodeSnapshot]:
        yield NodeSnapshot(self.path, NodeKind.DYNAMIC, self.state, self._restarts, last_error=self._last_error)
        for member in tuple(self._members.values()):
            yield from member.node.observe()


def _tell(monitor: Address, exited: ChildExited) -> None:
    """A lost `ChildExited` would leak what the monitor holds for the child, so it passes the mailbox limit."""
    if isinstance(monitor, BookAddress):
        monitor.deliver(exited)
    else:
        monitor.hint(exited)
