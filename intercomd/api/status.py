"""`/v1/supervision` and `/v1/status`: the tree, and one screen about everything."""

from __future__ import annotations

import dataclasses
from functools import partial

import falcon

from intercomd.api.checks import Check
from intercomd.api.probes import list_problems
from intercomd.api.services import ModelUsage, Services, SlotsFacts
from intercomd.api.views import View, instant
from intercomd.domain.runs import Outcome, RunRecord
from intercomd.store.event_ports import EventRow
from intercomd.store.ports import Store
from intercomd.supervision.snapshot import TreeSnapshot

_STORE_SECONDS = 1.0
_EVENTS = 10
_RUNS = 50
_FAILURES = frozenset({Outcome.FAILED, Outcome.REFUSED, Outcome.TIMED_OUT, Outcome.ORPHANED})
_FAILED_RUNS = 5


class SupervisionResource:
    """The published snapshot of the supervision tree; waits for no actor."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def on_get(self, _request: falcon.Request, response: falcon.Response) -> None:
        response.media = _tree_view(self._services.snapshot())


class StatusResource:
    """Everything `intercomd status` shows. The store's part is null, with the reason, while it is away or does not
    answer in time."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._store = Check("status", partial(_store_view, services.store), services.clock, max_age_s=0.0)

    def on_get(self, _request: falcon.Request, response: falcon.Response) -> None:
        services = self._services
        tree = services.snapshot()
        orchestrator = services.facts.orchestrator()
        response.media = {
            "service": "intercomd",
            "version": services.version,
            "uptime_seconds": int(services.clock.monotonic() - services.started_at),
            "bind": services.bind,
            "orchestrator": {
                "is_wanted": orchestrator.is_wanted,
                "state": orchestrator.state,
                "reason": orchestrator.reason,
            },
            "duties": services.facts.duties(),
            "slots": _slots_view(services.facts.slots()),
            "model_usage": [_usage_view(folder, used) for folder, used in _model_usage(services)],
            "problems": list_problems(tree),
            "tree": _tree_view(tree),
            **self._store_part(),
        }

    def _store_part(self) -> View:
        self._store.begin()
        if not self._store.wait(self._services.clock.monotonic() + _STORE_SECONDS):
            return {"store": None, "store_error": f"the store did not answer within {_STORE_SECONDS:g} s"}
        evidence = self._store.evidence
        return {"store": evidence.value, "store_error": evidence.error}


def _model_usage(services: Services) -> list[tuple[str, ModelUsage]]:
    return sorted(services.facts.model_usage().items(), key=lambda item: item[0])


def _usage_view(folder: str, used: ModelUsage) -> View:
    return {
        "folder": folder,
        "requests": used.requests,
        "input_tokens": used.input_tokens,
        "output_tokens": used.output_tokens,
    }


def _tree_view(tree: TreeSnapshot) -> View:
    return {
        "nodes": [dataclasses.asdict(node) for node in tree.nodes],
        "zombies": tree.zombies,
        "progress_age_s": tree.progress_age_s,
    }


def _slots_view(slots: SlotsFacts) -> View:
    return {
        "limit": slots.limit,
        "used": slots.used,
        "live": slots.live,
        "idle": slots.idle,
        "waiting": slots.waiting,
        "waiting_tasks": slots.waiting_tasks,
        "oldest_waiting_since": instant(slots.oldest_waiting_since),
    }


def _store_view(store: Store) -> View:
    failed = [run for run in store.runs.list_recent(None, _RUNS) if run.outcome in _FAILURES][:_FAILED_RUNS]
    return {
        "engine": store.engine,
        "groups": store.groups.count(),
        "pending_groups": store.groups.count_pending(),
        "outbox_waiting": store.outbox.count_waiting(),
        "live_runs": len(store.runs.list_live()),
        "failed_runs": [_failed_view(run) for run in failed],
        "events": [_event_view(event) for event in store.events.list_recent(None, _EVENTS)],
    }


def _failed_view(run: RunRecord) -> View:
    return {
        "run_id": run.run_id,
        "folder": run.folder,
        "outcome": run.outcome,
        "ended_at": instant(run.ended_at),
        "error": run.error,
    }


def _event_view(event: EventRow) -> View:
    return {
        "at": instant(event.at),
        "code": event.code,
        "folder": event.folder,
        "run_id": event.run_id,
        "detail": event.detail,
    }
