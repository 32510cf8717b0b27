"""What operators are told about the owner of the duty."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from intercomd.actors.hold_watcher import DutySeen
from intercomd.daemon.boards import Board
from intercomd.daemon.control import Control
from intercomd.daemon.operator_desk import OperatorDesk
from intercomd.domain.ids import Epoch
from intercomd.domain.leases import DISPATCH, Holder, LeaseRow
from intercomd.domain.orchestrator import OrchestratorView, State
from tests.orchestrator.office import Office, open_sqlite

US, THEM = Holder("boot", 1, 1), Holder("boot", 2, 1)


@pytest.mark.parametrize(
    ("state", "seen", "owner"),
    [
        (State.IDLE, US, None),
        (State.IDLE, THEM, THEM),
        (State.STANDBY, THEM, THEM),
        (State.DRAINING, US, US),
        (State.ACTIVE, None, US),
        (State.ACTIVE, THEM, US),
    ],
)
def test_owner_is_right_before_the_next_look(
    tmp_path: Path, state: State, seen: Holder | None, owner: Holder | None
) -> None:
    """What this process has just taken or given back needs no reading in the store."""
    with closing(open_sqlite(tmp_path)) as store:
        office = Office(store)
        view = OrchestratorView(True, state is not State.IDLE, None, state, None, office.clock.monotonic())
        duty = DutySeen(True, None, LeaseRow(DISPATCH, seen, Epoch(1), 0))
        desk = OperatorDesk(store.holds, office.watcher, Control(), Board(view), Board(duty), US, office.clock)
        assert desk.owner == owner
        assert desk.is_owner == (owner == US)
