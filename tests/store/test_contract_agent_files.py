"""What agents ask for by files is claimed once, under the lease, and remembered with its answer."""

from __future__ import annotations

from dataclasses import replace

import pytest

from intercomd.domain.agent_files import FileClaim, ToolAnswer
from intercomd.domain.ids import Folder, RunId
from intercomd.domain.leases import IPC, Fence
from intercomd.domain.runs import Ending, Outcome
from intercomd.errors import FenceLost
from tests.store.household import COOKS, HOLDER, KITCHEN, NOON, OTHER, RUN, Household

FILE = FileClaim("ipc-1", COOKS, "send_message", "digest")
DONE = ToolAnswer(True, "It is on its way \ud800.")


@pytest.fixture
def ipc(house: Household) -> Fence:
    epoch = house.store.leases.take(IPC, None, HOLDER)
    assert epoch is not None
    return Fence(IPC, epoch)


def codes(house: Household) -> list[str]:
    return [event.code for event in house.store.events.list_recent(None, 100) if event.code.startswith("tool.")]


def test_claimed_file_is_known_when_it_is_claimed_again(house: Household, ipc: Fence) -> None:
    """A crash between claim and effect is seen the second time, and leaves one event."""
    files = house.store.agent_files
    first = files.claim(ipc, FILE, NOON)
    assert (first.is_repeat, first.answer, first.run_id) == (False, None, None)
    again = files.claim(ipc, FILE, NOON)
    assert (again.is_repeat, again.is_other, again.answer) == (True, False, None)
    assert codes(house) == ["tool.called"]


def test_settled_file_has_its_first_answer(house: Household, ipc: Fence) -> None:
    """Asked again, the answer is the same, whatever a second settling says."""
    files = house.store.agent_files
    files.claim(ipc, FILE, NOON)
    files.settle(FILE.key, DONE, NOON)
    files.settle(FILE.key, ToolAnswer(False, "no"), NOON)
    assert files.claim(ipc, FILE, NOON).answer == ToolAnswer(True, "It is on its way \ufffd.")
    assert codes(house) == ["tool.done", "tool.called"]


def test_key_that_was_used_for_something_else_is_noticed(house: Household, ipc: Fence) -> None:
    """A uuid stands for one call."""
    house.store.agent_files.claim(ipc, FILE, NOON)
    assert house.store.agent_files.claim(ipc, replace(FILE, digest="other"), NOON).is_other


def test_claim_gives_the_live_run_effects(house: Household, ipc: Fence) -> None:
    """The run that asked is not repeated when it fails afterwards (B-114), and the claim remembers which it was."""
    house.say("1")
    house.open()
    assert house.store.agent_files.claim(ipc, FILE, NOON).run_id == RUN
    assert house.store.runs.get(RUN).has_effects
    assert house.end(outcome=Outcome.FAILED).ending is not Ending.RETRY
    assert house.store.agent_files.claim(ipc, FILE, NOON).run_id == RUN


def test_effects_are_those_of_the_groups_own_run(house: Household, ipc: Fence) -> None:
    """A file of another group changes nothing for this one's run (B-114)."""
    house.say("1")
    house.open()
    house.store.agent_files.claim(ipc, replace(FILE, folder=Folder("attic")), NOON)
    house.store.agent_files.mark_effects(Folder("attic"))
    assert not house.store.runs.get(RUN).has_effects
    house.store.agent_files.mark_effects(COOKS)
    assert house.store.runs.get(RunId(RUN)).has_effects


def test_refusal_leaves_its_reason(house: Household, ipc: Fence) -> None:
    """Why nothing was done can be read afterwards (B-83)."""
    house.store.agent_files.claim(ipc, FILE, NOON)
    house.store.agent_files.settle(FILE.key, ToolAnswer(False, "the chat tg:9 is another group's"), NOON)
    event = house.store.events.list_recent(None, 1)[0]
    assert (event.code, event.folder, event.detail) == ("tool.refused", COOKS, "the chat tg:9 is another group's")


def test_refusal_without_a_claim_is_recorded_with_the_live_run(house: Household, ipc: Fence) -> None:
    """`why` finds it in the run's chain (B-83)."""
    house.store.agent_files.record_refusal(COOKS, "it is no JSON", NOON)
    house.say("m1")
    house.open()
    house.store.agent_files.record_refusal(COOKS, "x" * 1_000, NOON)
    during, before = [event for event in house.store.events.list_recent(None, 9) if event.code == "tool.refused"]
    assert (before.run_id, before.folder, before.detail) == (None, COOKS, "it is no JSON")
    assert (during.run_id, during.chat_jid, len(during.detail)) == (RUN, KITCHEN, 300)


def test_claim_refuses_a_lost_fence(house: Household, ipc: Fence) -> None:
    """Who was replaced claims nothing more, and the successor claims the file as new (B-84)."""
    leases = house.store.leases
    assert leases.take(IPC, leases.find(IPC), OTHER) is not None
    with pytest.raises(FenceLost):
        house.store.agent_files.claim(ipc, FILE, NOON)
    row = leases.find(IPC)
    assert row is not None
    assert not house.store.agent_files.claim(Fence(IPC, row.epoch), FILE, NOON).is_repeat
