"""Whether the daemon does its work, from evidence with an age (hazards B-106, B-107)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from intercomd.api.checks import Check, ask_all
from intercomd.api.services import OrchestratorFacts, Services
from intercomd.domain.mailbox import Heartbeat
from intercomd.supervision.port import Address
from intercomd.supervision.snapshot import NodeState

_TOTAL_SECONDS = 0.3
_HEARTBEAT_AGE_SECONDS = 1.0
_STORE_AGE_SECONDS = 5.0
_BUSY_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. `source`: `answer` of the thing itself, or `snapshot` when it did not answer in time."""

    name: str
    error: str | None
    age_s: float | None
    source: str

    @property
    def is_ok(self) -> bool:
        return self.error is None


@dataclass(frozen=True, slots=True)
class Verdict:
    """`reasons` say why the daemon is not ready; empty when it is. `groups` is None while the store is away."""

    reasons: tuple[str, ...]
    orchestrator: OrchestratorFacts
    store: Finding
    actors: tuple[Finding, ...]
    groups: int | None


class Readiness:
    """Asks the store and the leaf actors, all at once and 0.3 seconds in total; safe from any thread."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._store = Check("store", self._ask_store, services.clock, _STORE_AGE_SECONDS)
        self._leaves = self._checks(services.leaves)
        self._orchestrator = self._checks(services.orchestrator_leaves)

    def judge(self) -> Verdict:
        orchestrator = self._services.facts.orchestrator()
        actors = self._leaves | (self._orchestrator if orchestrator.state == "active" else {})
        ask_all([self._store, *actors.values()], self._services.clock, _TOTAL_SECONDS)
        store = self._store_finding()
        findings = tuple(self._actor_finding(path, check) for path, check in actors.items())
        reasons = [f"{finding.name}: {finding.error}" for finding in (store, *findings) if not finding.is_ok]
        if not _is_as_wished(orchestrator):
            reasons.insert(0, f"orchestrator is {orchestrator.state}: {orchestrator.reason or 'it should be active'}")
        return Verdict(tuple(reasons), orchestrator, store, findings, self._store.evidence.value)

    def _checks(self, leaves: Mapping[str, Address]) -> dict[str, Check[object]]:
        """By the actor's path in the tree."""
        timeout = timedelta(seconds=_TOTAL_SECONDS)
        return {
            address.name: Check(
                name, partial(address.ask, Heartbeat(), timeout), self._services.clock, _HEARTBEAT_AGE_SECONDS
            )
            for name, address in leaves.items()
        }

    def _ask_store(self) -> int:
        self._services.store.ping()
        return self._services.store.groups.count()

    def _store_finding(self) -> Finding:
        evidence = self._store.evidence
        if evidence.error is None and not self._store.is_current:
            return Finding("store", "it has not answered in time", evidence.age_s, "answer")
        return Finding("store", evidence.error, evidence.age_s, "answer")

    def _actor_finding(self, path: str, check: Check[object]) -> Finding:
        """An actor in the middle of a longer item does not answer in time; the snapshot tells whether it is that."""
        evidence = check.evidence
        if check.is_current and evidence.error is None:
            return Finding(check.name, None, evidence.age_s, "answer")
        node = self._services.snapshot().find(path)
        if node is None:
            return Finding(check.name, "it is not in the tree", None, "snapshot")
        if node.state is not NodeState.RUNNING:
            error = f"it is {node.state}" + (f": {node.last_error}" if node.last_error else "")
            return Finding(check.name, error, node.item_in_hand_age_s, "snapshot")
        age = max(node.item_in_hand_age_s or 0.0, node.oldest_item_age_s or 0.0)
        if age > _BUSY_SECONDS:
            return Finding(check.name, f"busy with {node.item_in_hand} for {age:.1f} s", age, "snapshot")
        return Finding(check.name, None, age, "snapshot")


def _is_as_wished(orchestrator: OrchestratorFacts) -> bool:
    """Active without a reason why it can start nothing, or idle because of the flag or a hold."""
    if orchestrator.state == "active":
        return orchestrator.reason is None
    return orchestrator.state == "idle" and not orchestrator.is_wanted
