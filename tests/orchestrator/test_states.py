"""What is wanted and what is possible decide the state; each state says why."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from intercomd.domain.leases import DISPATCH
from intercomd.domain.orchestrator import State
from intercomd.store.ports import Store
from tests.orchestrator.office import GRACE, LEASE, Office, open_sqlite


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_sqlite(tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def office(store: Store) -> Office:
    return Office(store)


def test_flag_is_enough_to_become_active(office: Office) -> None:
    """No hold and a free lease: active without any time passing."""
    office.settle()
    assert office.state == "active"
    assert office.orchestration.view.reason is None


def test_stays_idle_without_the_flag(store: Store) -> None:
    """Idle says that it is the flag; not even the lease is taken, and enabling changes nothing."""
    office = Office(store, is_enabled=False)
    office.pass_time(5)
    office.enable()
    assert office.state == "idle"
    assert "orchestrator.enabled is false" in office.reason
    assert office.owner is None


def test_hold_keeps_it_idle_from_the_start(store: Store, office: Office) -> None:
    """A hold placed before counts after a restart: it is looked at before the lease is even wanted."""
    office.settle()
    office.disable()
    restarted = Office(store, 2)
    restarted.settle()
    assert State.STARTING not in restarted.states
    assert restarted.state == "idle"
    assert restarted.reason.startswith("held by ada")
    assert "a new disk" in restarted.reason


def test_hold_of_another_process_is_noticed_within_a_second(store: Store) -> None:
    """Nobody tells this process; it looks."""
    here, there = Office(store, 1), Office(store, 2)
    here.settle()
    there.settle()
    there.disable()
    assert here.state == "active"
    here.pass_time(1)
    assert here.state == "idle"


def test_drain_waits_for_runs_and_gives_the_lease_back(office: Office) -> None:
    """Draining lasts as long as a run does, within the grace; then it is idle and the lease is free."""
    office.settle()
    office.start_run("kitchen")
    office.disable()
    office.pass_time(10)
    assert office.state == "draining"
    office.end_runs()
    assert office.state == "idle"
    assert office.owner is None
    assert office.drains[0] == GRACE


def test_drain_ends_by_force_after_the_grace_of_the_hold(office: Office) -> None:
    """The operator's seconds win over the settings'; a little later everything is stopped."""
    office.settle()
    office.start_run("kitchen")
    office.disable(timedelta(seconds=5))
    office.pass_time(5)
    assert office.state == "draining"
    office.pass_time(4)
    assert office.state == "idle"
    assert office.live == ()


def test_second_disable_shortens_the_drain(office: Office) -> None:
    """The operator's last word counts while it drains."""
    office.settle()
    office.start_run("kitchen")
    office.disable(timedelta(minutes=10))
    office.pass_time(5)
    office.sim.clock.set_wall(office.clock.now() + timedelta(seconds=1))
    office.disable(timedelta(0))
    office.pass_time(1)
    assert office.state == "idle"


def test_hold_lifted_while_draining_starts_anew_when_drained(office: Office) -> None:
    """What was told to drain does not take new work; when it is done the orchestrator comes back by itself."""
    office.settle()
    office.start_run("kitchen")
    office.disable()
    office.enable()
    assert office.state == "draining"
    office.end_runs()
    assert office.state == "active"
    assert office.states[-3:] == [State.ACTIVE, State.DRAINING, State.ACTIVE]


def test_stop_drains_and_a_second_one_does_not_wait(office: Office) -> None:
    """SIGTERM waits for runs, the next one does not; then nothing starts again."""
    office.settle()
    office.start_run("kitchen")
    office.orchestration.stop()
    office.pass_time(3)
    assert office.state == "draining"
    office.orchestration.stop()
    office.enable()
    assert office.orchestration.has_stopped


def test_failed_start_is_tried_again_a_few_times(store: Store, office: Office) -> None:
    """Rolled back to failed with the reason; the lease is free for somebody who can; tries end, and say so."""
    office.start_error = "no engine"
    office.settle()
    assert office.state == "failed"
    assert "no engine" in office.reason
    assert office.owner is None
    office.pass_time(400)
    assert office.states.count(State.FAILED) == 6
    assert "given up" in office.reason
    able = Office(store, 2)
    able.settle()
    assert able.state == "active"


def test_failed_start_heals_when_its_cause_is_gone(office: Office) -> None:
    """Without an operator while it is still tried, by `enable` after that."""
    office.start_error = "no engine"
    office.settle()
    office.start_error = ""
    office.pass_time(6)
    assert office.state == "active"
    office.disable()
    office.start_error = "no engine again"
    office.enable()
    office.pass_time(400)
    office.start_error = ""
    office.pass_time(400)
    assert office.state == "failed"
    office.enable()
    assert office.state == "active"


def test_standby_says_who_has_the_lease_and_takes_over(store: Store) -> None:
    """One owner at a time: the other stands by, names it, and follows one lease time after its last sign of life."""
    first, second = Office(store, 1), Office(store, 2)
    first.settle()
    second.pass_time(1)
    assert second.state == "standby"
    assert second.reason == "the lease is held by process 1"
    second.pass_time(LEASE.total_seconds() * 4 / 3 + 1)  # the first one's time stands still
    assert second.state == "active"
    first.pass_time(1)
    assert first.state == "standby"
    assert first.live == ()


def test_takes_over_at_once_from_a_process_that_is_gone(store: Store) -> None:
    """Proof of death is better than patience."""
    Office(store, 1).settle()
    heir = Office(store, 2, gone=(1,))
    heir.settle()
    assert heir.state == "active"


def test_store_away_is_standby_before_and_a_reason_after_the_start(tmp_path: Path, store: Store) -> None:
    """What heals by itself is no failure: it stands by while nothing is known; an active one says that it starts
    nothing, and goes on when the store is back (hazards B-05, B-106)."""
    office = Office(store)
    with closing(sqlite3.connect(tmp_path / "intercom.db", isolation_level=None)) as other:
        office.settle()
        assert office.state == "active"
        other.execute("BEGIN IMMEDIATE")
        office.pass_time(LEASE.total_seconds() - 0.5)
        assert office.state == "active"
        assert "could not be renewed" in office.reason
        other.execute("ROLLBACK")
    office.pass_time(2)
    assert (office.state, office.reason) == ("active", "")
    assert store.leases.find(DISPATCH) is not None
    late = Office(open_sqlite(tmp_path / "missing"))
    late.store.close()
    late.pass_time(2)
    assert late.state == "standby"
    assert late.reason.startswith("the store is away: ")
