"""`/livez`, `/healthz` and `/readyz` tell the truth."""

from __future__ import annotations

import threading

import pytest

from tests.api.conftest import Api
from tests.support.waiting import Probe, join, wait_for


def test_health_has_the_keys_of_the_existing_system(api: Api) -> None:
    """original.md §5.1; the tree's complaints come on top."""
    health = api.get("/healthz")
    assert isinstance(health.pop("uptime_seconds"), int)
    assert health == {
        "status": "ok",
        "service": "intercomd",
        "version": "9.9.9",
        "bind": "127.0.0.1:0",
        "problems": [],
    }


def test_ready_when_idle_is_what_was_wished_for(api: Api) -> None:
    """Off by the flag is ready; the keys of the existing system are there with their types."""
    ready = api.get("/readyz")
    assert ready == {
        "status": "ready",
        "runtime_profiles": 2,
        "demarch_writes_restricted_to_main": True,
        "telegram_bridge_enabled": False,
        "postgres_connected": False,
        "orchestrator_enabled": False,
        "registered_groups": 0,
        "active_containers": 1,
        "orchestrator_state": "idle",
        "store_engine": "sqlite",
        "reasons": [],
    }


@pytest.mark.parametrize("state", ["idle", "standby", "starting", "draining", "failed"])
def test_not_ready_when_it_should_be_active_and_is_not(api: Api, state: str) -> None:
    """The wish is not the fact: 503 with the reason (hazard B-106)."""
    api.orchestrator.is_wanted, api.orchestrator.state, api.orchestrator.reason = True, state, "somebody else has it"
    reply = api.call("GET", "/readyz")
    assert reply.status == 503
    assert reply.json["reasons"] == [f"orchestrator is {state}: somebody else has it"]
    assert reply.json["orchestrator_enabled"] is True


def test_active_orchestrator_is_asked_for_a_heartbeat(api: Api) -> None:
    """Its actors count only while it is active; `?verbose` shows the evidence with ages."""
    api.orchestrator.is_wanted, api.orchestrator.state = True, "active"
    evidence = {finding["name"]: finding for finding in api.get("/readyz?verbose")["evidence"]}
    assert evidence.keys() == {"store", "commands", "local", "outbox"}
    assert all(finding["is_ok"] and finding["age_ms"] < 1000 for finding in evidence.values())


def test_not_ready_when_the_store_is_away(api: Api) -> None:
    """A store that answers nothing is a reason, although nothing asked it before (hazard B-04)."""
    api.store.close()
    reply = api.call("GET", "/readyz")
    assert reply.status == 503
    assert reply.json["reasons"][0].startswith("store: ")


def test_busy_actor_is_judged_by_the_snapshot(api: Api) -> None:
    """An actor in the middle of an item does not answer in time; it is not dead for that, and nobody waits for it."""
    body = {"chat_jid": "tg:1", "command": "hold"}
    statuses: Probe[int] = Probe()
    client = threading.Thread(
        target=lambda: statuses.record(api.call("POST", "/v1/commands", body).status), daemon=True
    )
    client.start()
    wait_for(api.commands_gate.reached, "the actor is busy")
    evidence = {finding["name"]: finding for finding in api.get("/readyz?verbose")["evidence"]}
    assert evidence["commands"]["is_ok"]
    assert evidence["commands"]["source"] == "snapshot"
    assert evidence["local"]["source"] == "answer"
    api.commands_gate.opened.set()
    join(client)
    assert statuses.values == [200]


def test_live_touches_nothing(api: Api) -> None:
    """Alive without a store."""
    api.store.close()
    assert api.get("/livez") == {"status": "ok"}


@pytest.mark.parametrize("path", ["/livez", "/healthz", "/readyz"])
def test_head_of_a_probe_is_its_status_without_a_body(api: Api, path: str) -> None:
    """Monitors ask with HEAD."""
    reply = api.call("HEAD", path)
    assert (reply.status, reply.body) == (200, b"")
