"""The tree as seen from outside: values that are read without waiting for any actor."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from intercomd.clock import Clock
from intercomd.supervision.incarnation import Incarnation, item_name


class NodeKind(StrEnum):
    ACTOR = "actor"
    SUPERVISOR = "supervisor"
    DYNAMIC = "dynamic"


class NodeState(StrEnum):
    IDLE = "idle"
    """Not started: a supervisor that waits for its activation, or a child whose turn has not come."""
    STARTING = "starting"
    RUNNING = "running"
    PARKED = "parked"
    """Running, with an item that waits for the store."""
    RESTARTING = "restarting"
    STOPPING = "stopping"
    STOPPED = "stopped"
    """Ended and not wanted: it was stopped, or ended normally."""
    FAILED = "failed"
    """Ended by a failure and not restarted."""
    ZOMBIE = "zombie"
    """Its thread did not end within its budget."""


@dataclass(frozen=True, slots=True)
class NodeSnapshot:
    """One place in the tree. Ages are seconds on the monotonic clock; None where there is nothing to age."""

    path: str
    kind: NodeKind
    state: NodeState
    restarts: int = 0
    mailbox_depth: int = 0
    oldest_item_age_s: float | None = None
    item_in_hand: str | None = None
    item_in_hand_age_s: float | None = None
    last_error: str | None = None
    dropped_hints: int = 0
    started_age_s: float | None = None


@dataclass(frozen=True, slots=True)
class TreeSnapshot:
    """All nodes, parents before children. `progress_age_s` stays near a second while supervision works (watchdog).

    `zombies` are threads left behind, also those whose place has been taken by a new incarnation.
    """

    nodes: tuple[NodeSnapshot, ...]
    zombies: tuple[str, ...]
    progress_age_s: float

    def find(self, path: str) -> NodeSnapshot | None:
        return next((node for node in self.nodes if node.path == path), None)


def observe_actor(
    path: str,
    state: NodeState,
    incarnation: Incarnation | None,
    clock: Clock,
    *,
    restarts: int,
    last_error: str | None,
    dropped_hints: int,
    started_at: float | None,
) -> NodeSnapshot:
    """The snapshot of an actor's place; plain attribute reads, so it may be a few items old."""
    now = clock.monotonic()
    if incarnation is None:
        return NodeSnapshot(path, NodeKind.ACTOR, state, restarts, last_error=last_error, dropped_hints=dropped_hints)
    letter = incarnation.in_hand
    oldest = incarnation.mailbox.oldest_put_at()
    is_parked = state is NodeState.RUNNING and incarnation.parked_tries > 0
    return NodeSnapshot(
        path,
        NodeKind.ACTOR,
        NodeState.PARKED if is_parked else state,
        restarts,
        mailbox_depth=incarnation.mailbox.depth,
        oldest_item_age_s=None if oldest is None else now - oldest,
        item_in_hand=None if letter is None else item_name(letter),
        item_in_hand_age_s=None if letter is None else now - letter.taken_at,
        last_error=last_error,
        dropped_hints=dropped_hints,
        started_age_s=None if started_at is None else now - started_at,
    )
