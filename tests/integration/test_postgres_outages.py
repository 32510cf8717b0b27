"""Postgres away at the start, in the middle and for long: the daemon stays up, says so, and loses nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress

import pytest

from tests.integration.conftest import MakeDaemon
from tests.support.cutting_proxy import CuttingProxy, Fault, cutting_proxy
from tests.support.daemon import DaemonProcess
from tests.support.postgres import PostgresCluster, running_cluster

pytestmark = pytest.mark.full


@pytest.fixture(scope="module")
def own_cluster() -> Iterator[PostgresCluster]:
    with running_cluster() as cluster:
        yield cluster


@pytest.fixture
def cluster(own_cluster: PostgresCluster) -> Iterator[PostgresCluster]:
    """A server to stop and start; it runs before and after each test."""
    yield own_cluster
    with suppress(AssertionError):
        own_cluster.start()


@pytest.fixture
def proxy(cluster: PostgresCluster) -> Iterator[CuttingProxy]:
    with cutting_proxy(("127.0.0.1", cluster.port)) as between:
        yield between


def test_daemon_starts_without_postgres_and_begins_when_it_comes(
    make_daemon: MakeDaemon, cluster: PostgresCluster
) -> None:
    """A machine that boots the daemon first ends up working without anybody's help (hazards B-04, B-05, B-106)."""
    dsn = cluster.server.create_empty("late")
    cluster.stop()
    daemon = make_daemon({"storage": {"postgres_dsn": dsn}})
    daemon.start()
    assert daemon.client.request("GET", "/livez").status == 200
    readiness = daemon.client.request("GET", "/readyz")
    assert readiness.status == 503
    assert "store" in readiness.body.decode()
    refused = daemon.client.request(
        "POST", "/v1/local/chats/kitchen/messages", b'{"text": "hi"}', {"Content-Type": "application/json"}
    )
    assert (refused.status, refused.content_type) == (503, "application/problem+json")
    cluster.start()
    daemon.wait_for_log("orchestrator.state", state="active")
    assert daemon.client.ask("kitchen", "hello") == "hello"
    assert daemon.client.request("GET", "/readyz").status == 200
    assert_no_restarts(daemon)


def test_restart_of_postgres_goes_unnoticed_by_people(make_daemon: MakeDaemon, cluster: PostgresCluster) -> None:
    """Connections that died are replaced; the run in hand answers, once (hazard B-04)."""
    daemon = make_daemon({"storage": {"postgres_dsn": cluster.server.create_empty("restarted")}})
    daemon.start()
    daemon.client.say("kitchen", "!slow 0.5 first")
    daemon.wait_for_log("run.started", folder="kitchen")
    cluster.restart()
    assert daemon.client.wait_for_replies("kitchen", 1) == ["first"]
    assert daemon.client.ask("kitchen", "second") == "second"
    assert daemon.client.replies("kitchen") == ["first", "second"]
    assert_no_restarts(daemon)


def test_three_runs_that_answer_while_postgres_is_away_are_heard_once(
    make_daemon: MakeDaemon, cluster: PostgresCluster
) -> None:
    """Frames wait in front of the store until it is back: every reply is sent once, no run is repeated, no actor
    restarted, and the lease that could not be renewed is found again (hazards B-04, B-09, B-38)."""
    chats = ("kitchen", "bath", "attic")
    daemon = make_daemon({"storage": {"postgres_dsn": cluster.server.create_empty("away")}})
    daemon.start()
    daemon.wait_for_log("orchestrator.state", state="active")
    for chat in chats:
        daemon.client.say(chat, f"!slow 1 {chat}")
        daemon.wait_for_log("run.started", folder=chat)
    cluster.stop()
    for run in [logged.fields["run_id"] for logged in daemon.log.events("run.started")]:
        daemon.wait_for_log("actor.parked", actor=f"orchestrator/runs/run:{run}", item="FrameRead")
    daemon.wait_for_log("lease.suspended", duty="dispatch")
    assert daemon.client.request("GET", "/readyz").status == 503
    cluster.start()
    for chat in chats:
        assert daemon.client.wait_for_replies(chat, 1) == [chat]
    daemon.wait_for_log("lease.resumed", duty="dispatch")
    for chat in chats:
        assert daemon.client.ask(chat, "and now?") == "and now?"
        assert daemon.client.replies(chat) == [chat, "and now?"]
        assert len(daemon.client.runs(chat)) == 1
    assert_no_restarts(daemon)


def test_crashed_server_is_as_good_as_a_stopped_one(make_daemon: MakeDaemon, cluster: PostgresCluster) -> None:
    """The server dies without a goodbye while an agent works, and recovers."""
    daemon = make_daemon({"storage": {"postgres_dsn": cluster.server.create_empty("crashed")}})
    daemon.start()
    daemon.client.say("kitchen", "!slow 0.5 first")
    daemon.wait_for_log("run.started", folder="kitchen")
    cluster.kill()
    cluster.start()
    assert daemon.client.wait_for_replies("kitchen", 1) == ["first"]
    assert_no_restarts(daemon)


@pytest.mark.parametrize("fault", [Fault.LOSE_COMMIT, Fault.LOSE_ANSWER, Fault.REFUSE], ids=lambda fault: fault.name)
def test_message_is_answered_once_over_a_bad_line(
    make_daemon: MakeDaemon, cluster: PostgresCluster, proxy: CuttingProxy, fault: Fault
) -> None:
    """A COMMIT whose answer is lost may have happened or not; either way the message is stored and answered once."""
    dsn = cluster.server.create_empty(f"line_{fault.name.lower()}")
    daemon = make_daemon({"storage": {"postgres_dsn": dsn.replace(str(cluster.port), str(proxy.port))}})
    daemon.start()
    assert daemon.client.ask("kitchen", "first") == "first"
    daemon.client.say("kitchen", "!slow 0.3 second")
    daemon.wait_for_log("run.follow_up", folder="kitchen")
    proxy.arm(fault)
    if fault is Fault.REFUSE:
        daemon.wait_for_log("actor.parked", item="FrameRead")
        proxy.heal()
    assert daemon.client.wait_for_replies("kitchen", 2) == ["first", "second"]
    assert daemon.client.ask("kitchen", "third") == "third"
    assert daemon.client.replies("kitchen") == ["first", "second", "third"]
    assert len(daemon.client.runs("kitchen")) == 1
    assert_no_restarts(daemon)


def test_stalled_line_holds_up_no_probe(make_daemon: MakeDaemon, cluster: PostgresCluster, proxy: CuttingProxy) -> None:
    """Connections that stay open and say nothing: the daemon tells so at once, and goes on with the first byte
    (hazards B-106, B-111)."""
    dsn = cluster.server.create_empty("stalled")
    daemon = make_daemon({"storage": {"postgres_dsn": dsn.replace(str(cluster.port), str(proxy.port))}})
    daemon.start()
    assert daemon.client.ask("kitchen", "first") == "first"
    proxy.arm(Fault.STALL)
    assert daemon.client.request("GET", "/livez").status == 200
    assert daemon.client.request("GET", "/readyz").status == 503
    proxy.heal()
    assert daemon.client.ask("kitchen", "second") == "second"
    assert_no_restarts(daemon)


def test_wrong_password_is_told_and_can_be_put_right(make_daemon: MakeDaemon, cluster: PostgresCluster) -> None:
    """The server says no: the daemon says which user and never the password, and begins by itself once the server
    takes it (hazards B-05, B-55)."""
    dsn = cluster.require_password("ada", "right-1").replace("right-1", "wrong-2")
    daemon = make_daemon({"storage": {"postgres_dsn": dsn}})
    daemon.start()
    assert 'user "ada"' in str(daemon.wait_for_log("store.away").fields["error"])
    readiness = daemon.client.request("GET", "/readyz")
    assert readiness.status == 503
    assert b"password authentication failed" in readiness.body
    cluster.server.run_sql("ALTER USER ada PASSWORD 'wrong-2'")
    daemon.wait_for_log("orchestrator.state", state="active")
    assert daemon.client.ask("kitchen", "hello") == "hello"
    assert "wrong-2" not in "\n".join(daemon.transcript)


def assert_no_restarts(daemon: DaemonProcess) -> None:
    """No actor crashed."""
    nodes = daemon.client.get("/v1/supervision")["nodes"]
    assert {node["path"]: node["restarts"] for node in nodes if node["restarts"]} == {}, json.dumps(nodes, indent=1)
