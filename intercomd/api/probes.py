"""`/livez`, `/healthz`, `/readyz`: for service managers and people; they answer when every worker is busy."""

from __future__ import annotations

from http import HTTPStatus

import falcon

from intercomd.api.readiness import Finding, Readiness
from intercomd.api.services import Services
from intercomd.api.views import View
from intercomd.supervision.snapshot import NodeState, TreeSnapshot

_STALLED_SECONDS = 10.0


class LiveResource:
    """The process runs and takes requests; touches nothing."""

    def on_get(self, _request: falcon.Request, response: falcon.Response) -> None:
        response.media = {"status": "ok"}

    on_head = on_get


class HealthResource:
    """The keys of the existing system (original.md §5.1), and what the supervision tree complains about."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def on_get(self, _request: falcon.Request, response: falcon.Response) -> None:
        services = self._services
        problems = list_problems(services.snapshot())
        response.media = {
            "status": "degraded" if problems else "ok",
            "service": "intercomd",
            "version": services.version,
            "uptime_seconds": int(services.clock.monotonic() - services.started_at),
            "bind": services.bind,
            "problems": problems,
        }

    on_head = on_get


class ReadyResource:
    """200 when the daemon does what it is set to do, 503 with reasons otherwise; `?verbose` adds the evidence."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._readiness = Readiness(services)

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        verdict = self._readiness.judge()
        facts = self._services.facts
        response.status = HTTPStatus.SERVICE_UNAVAILABLE if verdict.reasons else HTTPStatus.OK
        view: View = {
            "status": "not_ready" if verdict.reasons else "ready",
            "runtime_profiles": len(facts.runtime_profiles),
            "demarch_writes_restricted_to_main": facts.restricts_demarch_writes,
            "telegram_bridge_enabled": facts.is_telegram_enabled(),
            "postgres_connected": self._services.store.engine == "postgres" and verdict.store.is_ok,
            "orchestrator_enabled": verdict.orchestrator.is_wanted,
            "registered_groups": verdict.groups or 0,
            "active_containers": facts.slots().used,
            "orchestrator_state": verdict.orchestrator.state,
            "store_engine": self._services.store.engine,
            "reasons": verdict.reasons,
        }
        if "verbose" in request.params:
            view["evidence"] = [_finding_view(finding) for finding in (verdict.store, *verdict.actors)]
        response.media = view

    on_head = on_get


def list_problems(tree: TreeSnapshot) -> list[str]:
    """What is wrong with the tree, a sentence each."""
    problems = [
        f"{node.path} {node.state}" + (f": {node.last_error}" if node.last_error else "")
        for node in tree.nodes
        if node.state in {NodeState.FAILED, NodeState.RESTARTING}
    ]
    problems += [f"{path} did not stop; its thread is left behind" for path in tree.zombies]
    if tree.progress_age_s > _STALLED_SECONDS:
        problems.append(f"supervision has not moved for {tree.progress_age_s:.0f} s")
    return problems


def _finding_view(finding: Finding) -> View:
    return {
        "name": finding.name,
        "is_ok": finding.is_ok,
        "error": finding.error,
        "age_ms": None if finding.age_s is None else round(finding.age_s * 1000),
        "source": finding.source,
    }
