"""`/readyz` is truthful in every state."""

from __future__ import annotations

import pytest

from tests.api.conftest import Api, api, store, threads

__all__ = ["api", "store", "threads"]

TABLE = [
    # wanted, state, reason of the orchestrator, HTTP status
    (False, "idle", "orchestrator.enabled is false in the settings", 200),
    (False, "idle", "held by ada since 2026-11-22 12:00:00 UTC", 200),
    (False, "draining", "held by ada since 2026-11-22 12:00:00 UTC", 503),
    (False, "draining", "the daemon is stopping", 503),
    (True, "idle", None, 503),
    (True, "standby", "the store is away: connection refused", 503),
    (True, "standby", "the lease is held by process 7", 503),
    (True, "starting", None, 503),
    (True, "active", None, 200),
    (True, "active", "the lease could not be renewed in time", 503),
    (True, "failed", "no sandbox engine works here", 503),
]


@pytest.mark.parametrize(("is_wanted", "state", "reason", "status"), TABLE)
def test_readiness_says_what_is(api: Api, is_wanted: bool, state: str, reason: str | None, status: int) -> None:
    """200 when active, or idle as wished; 503 with the reason otherwise; wish and fact are both told (hazard B-106)."""
    api.orchestrator.is_wanted, api.orchestrator.state, api.orchestrator.reason = is_wanted, state, reason
    reply = api.call("GET", "/readyz")
    assert reply.status == status
    assert reply.json["orchestrator_enabled"] is is_wanted
    assert reply.json["orchestrator_state"] == state
    if status == 200:
        assert reply.json["reasons"] == []
    else:
        assert reply.json["reasons"] == [f"orchestrator is {state}: {reason or 'it should be active'}"]
