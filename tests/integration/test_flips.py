"""The duty changes hands under load: nothing lost, nothing dispatched twice, and soon."""

from __future__ import annotations

import itertools
import random
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.integration.pairs import LEASE_MS, Pair, intercomd, run_sql, running_pair
from tests.support.daemon import DaemonProcess, Settings, wait_until_gone
from tests.support.postgres import PostgresServer, running_cluster
from tests.support.waiting import join

pytestmark = pytest.mark.full

TAKEOVER_S = LEASE_MS / 1000 + 2
LOAD: Settings = {"orchestrator": {"max_concurrent_containers": 6, "idle_timeout_ms": 1_000}}
_GATE = 4711
"""Key of the advisory lock at which a claim waits in the database."""


@pytest.fixture
def pair(tmp_path: Path, storage: Settings) -> Iterator[Pair]:
    with running_pair(tmp_path, storage, LOAD) as running:
        yield running


# -- under load --------------------------------------------------------------------------------------


class Flips:
    """Seeded flips with messages before, during and after each; every message has a chat of its own."""

    def __init__(self, pair: Pair, seed: int) -> None:
        self._pair = pair
        self._random = random.Random(seed)
        self._chats: list[str] = []
        self.takeovers: list[float] = []

    def flip(self) -> None:
        """One flip of a kind chosen by the seed."""
        self._say(self._pair.owner, self._random.randint(1, 3))
        self._random.choice([self._clean, self._kill, self._stop])()
        self._say(self._pair.owner, 1)

    def finish(self) -> None:
        """Every message is answered once, by one run with effects; no two runs of a chat overlap."""
        client = self._pair.owner.client
        for chat in self._chats:
            assert client.wait_for_replies(chat, 1) == [chat]
        for chat in self._chats:
            assert client.replies(chat) == [chat]
            assert not client.get(f"/v1/groups/{chat}")["has_pending"]
            runs = client.runs(chat)
            assert sum(run["has_effects"] for run in runs) == 1, runs
            assert [run["epoch"] for run in runs] == sorted(run["epoch"] for run in runs)
            for earlier, later in itertools.pairwise(runs):
                assert later["started_at"] is None or earlier["ended_at"] <= later["started_at"]

    def _clean(self) -> None:
        """`disable` at the owner, `enable` at the other; then the faster one is the owner."""
        pair = self._pair
        pair.owner.client.post("/v1/orchestrator", {"action": "disable", "drain_ms": self._random.choice([0, 1_000])})
        self._say(pair.owner, 1)
        state = pair.owner.client.get("/v1/orchestrator?wait=5")
        assert (state["state"], state["is_wanted"]) == ("idle", False)
        pair.other.client.post("/v1/orchestrator", {"action": "enable"})
        self.takeovers.append(pair.await_owner())

    def _kill(self) -> None:
        pair = self._pair
        pair.owner.kill()
        self._say(pair.other, 1)
        self.takeovers.append(pair.take_over())
        pair.restart(pair.owner)
        pair.swap()

    def _stop(self) -> None:
        pair = self._pair
        pair.freeze()
        self._say(pair.other, 1)
        self.takeovers.append(pair.take_over())
        pair.thaw()
        pair.swap()

    def _say(self, daemon: DaemonProcess, count: int) -> None:
        for _ in range(count):
            chat = f"c{len(self._chats)}"
            self._chats.append(chat)
            daemon.client.say(chat, f"!slow {self._random.choice([0, 0.1, 0.4])} {chat}")


@pytest.mark.parametrize("seed", [1, 2])
def test_flips_under_load_lose_and_double_nothing(pair: Pair, seed: int) -> None:
    """Clean, kill -9 and SIGSTOP, as they come: each message one dispatch with effects (hazards B-09, B-66, B-112)."""
    run_flips(pair, seed, 8)


@pytest.mark.soak
@pytest.mark.timeout(1_200)
def test_two_hundred_flips_lose_and_double_nothing(pair: Pair) -> None:
    """The same for longer."""
    run_flips(pair, 7, 200)


def run_flips(pair: Pair, seed: int, count: int) -> None:
    print("seed", seed)
    flips = Flips(pair, seed)
    for _ in range(count):
        flips.flip()
    flips.finish()
    ranked = sorted(flips.takeovers)
    print("takeovers", [round(seconds, 2) for seconds in ranked])
    assert ranked[int(0.99 * (len(ranked) - 1))] <= TAKEOVER_S


# -- a former owner ----------------------------------------------------------------------------------


def test_owner_frozen_before_a_claim_claims_nothing_afterwards(pair: Pair) -> None:
    """It wakes up with a lease that it believes in by its memory, and is refused (hazard B-112)."""
    former = pair.owner
    pair.freeze()
    pair.other.client.say("kitchen", "hello")
    pair.take_over()
    assert pair.other.client.wait_for_replies("kitchen", 1) == ["hello"]
    pair.thaw()
    former.wait_for_log("lease.lost", duty="dispatch")
    former.wait_for_log("orchestrator.state", state="standby", count=2)
    assert former.client.ask("kitchen", "again") == "again"
    assert not former.log.events("run.started")
    assert pair.other.client.replies("kitchen") == ["hello", "again"]


def test_owner_frozen_during_a_run_loses_its_agent(tmp_path: Path, storage: Settings) -> None:
    """The agent of a process that stands still runs on, since its parent lives; the new owner ends it before the
    group's next run (hazard B-66)."""
    with running_pair(tmp_path, storage, LOAD, {"sandbox": {"engine": "bubblewrap"}}) as pair:
        former = pair.owner
        former.client.say("kitchen", "!slow 600 first")
        agent = int(str(former.wait_for_log("run.started", folder="kitchen").fields["pid"]))
        pair.freeze()
        pair.other.client.say("kitchen", "second")
        pair.take_over()
        pair.other.wait_for_log("run.started", folder="kitchen")
        wait_until_gone([agent], 0)
        assert pair.other.client.wait_for_replies("kitchen", 1) == ["second"]
        pair.thaw()
        former.wait_for_log("orchestrator.state", state="standby", count=2)
        assert former.client.ask("kitchen", "third") == "third"
        assert pair.other.client.replies("kitchen") == ["second", "third"]


class Gate:
    """Statements that match wait in the database, inside their transaction, while the gate is closed."""

    def __init__(self, dsn: str, event: str) -> None:
        self._dsn = dsn
        run_sql(
            dsn,
            f"CREATE FUNCTION gate() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            f"PERFORM pg_advisory_xact_lock_shared({_GATE}); RETURN NEW; END $$",
        )
        run_sql(dsn, f"CREATE TRIGGER gate BEFORE {event} EXECUTE FUNCTION gate()")
        self._is_closed = threading.Event()
        self._opens = threading.Event()
        self._thread = threading.Thread(target=self._hold, daemon=True)
        self._thread.start()
        assert self._is_closed.wait(10)

    def wait_for_somebody(self) -> None:
        """Until a statement waits; the server looks itself."""
        run_sql(
            self._dsn,
            "DO $$ BEGIN FOR i IN 1..1000 LOOP PERFORM 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted; "
            "IF FOUND THEN RETURN; END IF; PERFORM pg_sleep(0.01); END LOOP; RAISE 'nobody came'; END $$",
        )

    def open(self) -> None:
        self._opens.set()
        join(self._thread)

    def _hold(self) -> None:
        with PostgresServer(self._dsn).connection(urlsplit(self._dsn).path.removeprefix("/")) as connection:
            connection.run(f"SELECT pg_advisory_lock({_GATE})")
            self._is_closed.set()
            self._opens.wait(30)


@pytest.mark.parametrize(
    ("point", "event"),
    [
        ("after the check", "INSERT ON runs FOR EACH ROW"),
        ("after the claim", "UPDATE ON runs FOR EACH ROW WHEN (OLD.pid IS NULL AND NEW.pid IS NOT NULL)"),
    ],
)
def test_owner_frozen_in_a_claim_does_not_keep_its_lease(
    tmp_path: Path, postgres_server: PostgresServer, point: str, event: str
) -> None:
    """Frozen inside the transaction that claims, or with an agent whose identity is not recorded yet: the server ends
    the transaction, the agent is found by its lock, and the message is answered once (hazards B-66, B-112)."""
    dsn = postgres_server.create_empty("gate")
    with running_pair(tmp_path, {"storage": {"postgres_dsn": dsn}}, LOAD) as pair:
        former = pair.owner
        gate = Gate(dsn, event)
        former.client.say("kitchen", "hello")
        gate.wait_for_somebody()
        agents = former.agents("kitchen")
        assert bool(agents) == (point == "after the claim")
        former.send_signal(signal.SIGSTOP)
        gate.open()
        pair.take_over()
        pair.other.wait_for_log("run.started", folder="kitchen")
        wait_until_gone(agents, 0)
        assert pair.other.client.wait_for_replies("kitchen", 1) == ["hello"]
        pair.thaw()
        former.wait_for_log("orchestrator.state", state="standby", count=2)
        assert former.client.ask("kitchen", "again") == "again"
        assert pair.other.client.replies("kitchen") == ["hello", "again"]
        assert sum(run["has_effects"] for run in pair.other.client.runs("kitchen")) <= 2


# -- an operator -------------------------------------------------------------------------------------


def test_hold_counts_for_every_daemon_on_the_store(pair: Pair) -> None:
    """Placed at the one that stands by, it ends the owner's work, which says who and why; messages wait for enable."""
    done = intercomd(pair.other, "orchestrator", "disable", "--drain", "5", "--why", "a new disk", "--wait")
    assert done.returncode == 0, done.stderr
    pair.owner.wait_for_log("orchestrator.state", state="idle")
    ready = pair.owner.client.request("GET", "/readyz")
    assert ready.status == 200
    assert (ready.json["orchestrator_enabled"], ready.json["orchestrator_state"]) == (False, "idle")
    assert "a new disk" in intercomd(pair.owner, "orchestrator", "status").stdout
    pair.owner.client.say("kitchen", "hello")
    assert intercomd(pair.other, "orchestrator", "enable", "--wait").returncode == 0
    assert pair.owner.client.wait_for_replies("kitchen", 1) == ["hello"]


def test_postgres_restarts_during_a_flip(tmp_path: Path) -> None:
    """The one that takes over waits for the store and goes on by itself (hazards B-04, B-05)."""
    with running_cluster() as cluster:
        dsn = cluster.server.create_empty("flip")
        with running_pair(tmp_path, {"storage": {"postgres_dsn": dsn}}, LOAD) as pair:
            pair.owner.client.say("kitchen", "!slow 0.5 hello")
            pair.owner.wait_for_log("run.started", folder="kitchen")
            pair.owner.kill()
            cluster.restart()
            pair.take_over()
            assert pair.other.client.wait_for_replies("kitchen", 1) == ["hello"]
            assert pair.other.client.ask("kitchen", "bye") == "bye"
