"""A server that is away, stalls, comes back, or does not let us in."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from intercomd.errors import StoreUnavailable
from intercomd.store.opening import StoreSettings, open_store
from intercomd.store.ports import Store
from tests.store.household import Household
from tests.support.cutting_proxy import Fault, cutting_proxy
from tests.support.postgres import PostgresCluster, running_cluster

pytestmark = pytest.mark.full

SHORT = timedelta(milliseconds=300)


@pytest.fixture(scope="module")
def own_cluster() -> Iterator[PostgresCluster]:
    """A server that this module may stop and kill."""
    with running_cluster() as cluster:
        yield cluster


@pytest.fixture
def cluster(own_cluster: PostgresCluster) -> PostgresCluster:
    """The running server with an empty database."""
    own_cluster.server.create_database("faults")
    return own_cluster


def open_at(dsn: str) -> Store:
    """A store that loses patience soon."""
    return open_store(
        StoreSettings(
            assistant_name="Ada", main_folder="main", postgres_dsn=dsn, connect_timeout=SHORT, acquire_timeout=SHORT
        )
    )


def test_store_works_at_once_after_a_restart(cluster: PostgresCluster) -> None:
    """B-04: connections that went stale in the pool are replaced without an error."""
    store = open_at(cluster.server.dsn("faults"))
    house = Household(store)
    cluster.restart()
    assert house.say("m").is_new
    assert store.groups.count() == 1
    store.close()


def test_store_is_unavailable_after_a_crash_and_heals(cluster: PostgresCluster) -> None:
    """B-04: every call while the server is gone says so; afterwards all works, and what was stored is there."""
    store = open_at(cluster.server.dsn("faults"))
    house = Household(store)
    house.say("m")
    cluster.kill()
    try:
        with pytest.raises(StoreUnavailable):
            store.ping()
        with pytest.raises(StoreUnavailable):
            house.say("n")
    finally:
        cluster.start()
    assert house.say("n").seq == 2
    store.close()


def test_open_succeeds_while_the_server_is_away(cluster: PostgresCluster) -> None:
    """B-05: the first call after the server's start migrates and works."""
    dsn = cluster.server.create_empty("late")
    cluster.stop()
    try:
        store = open_at(dsn)
        with pytest.raises(StoreUnavailable, match="late"):
            store.ping()
    finally:
        cluster.start()
    store.ping()
    assert Household(store).say("m").seq == 1
    store.close()


def test_wrong_password_is_unavailable_and_not_shown(cluster: PostgresCluster) -> None:
    """The text says what the server refused, and no password."""
    dsn = cluster.require_password("checked", "right-secret")
    good = open_at(dsn)
    good.ping()
    good.close()
    bad = open_at(dsn.replace("right-secret", "wrong-secret"))
    with pytest.raises(StoreUnavailable, match="password authentication failed") as caught:
        bad.ping()
    assert "wrong-secret" not in str(caught.value)
    bad.close()


def test_stalled_or_refusing_network_is_unavailable(cluster: PostgresCluster) -> None:
    """A network that swallows everything or hangs up costs a bounded wait, and heals by itself."""
    with cutting_proxy(("127.0.0.1", cluster.port)) as proxy:
        dsn = f"postgresql://intercom@127.0.0.1:{proxy.port}/faults"
        store = open_at(dsn)
        house = Household(store)
        proxy.arm(Fault.REFUSE)
        with pytest.raises(StoreUnavailable):
            house.say("m")
        proxy.arm(Fault.STALL)
        with pytest.raises(StoreUnavailable, match="timed out"):
            house.say("m")
        proxy.heal()
        assert house.say("m").seq == 1
        store.close()


def test_a_long_lock_ends_with_the_statement_timeout(cluster: PostgresCluster) -> None:
    """A row that somebody else keeps locked does not hold a thread for ever."""
    dsn = cluster.server.dsn("faults")
    settings = StoreSettings(assistant_name="Ada", main_folder="main", postgres_dsn=dsn, statement_timeout=SHORT)
    store = open_store(settings)
    house = Household(store)
    with cluster.server.connection("faults") as other:
        other.run("BEGIN")
        other.run("SELECT * FROM groups FOR UPDATE")
        with pytest.raises(StoreUnavailable, match="statement timeout"):
            house.say("m")
    assert house.say("m").seq == 1
    store.close()
