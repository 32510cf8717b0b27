"""Sessions and the commands that change them, on every engine."""

from __future__ import annotations

import pytest

from intercomd.domain.ids import Folder, Generation, RunId, Seq
from intercomd.domain.runs import Outcome
from intercomd.errors import NotFound
from intercomd.store.ports import Cancelled
from tests.store.household import COOKS, KITCHEN, NOON, RUN, Household, reply


def cancel(house: Household, key: str, *, handled: Seq | None = None, clears: bool = True) -> Cancelled:
    """`/reset` with a new model and a reply."""
    return house.store.sessions.cancel(
        COOKS,
        key=key,
        clears_session=clears,
        runtime="gemini",
        model="m2",
        reply=reply(f"{key}-reply"),
        handled=None if handled is None else (KITCHEN, handled),
        now=NOON,
    )


def test_cancel_stops_the_run_and_settles_what_it_was_given(house: Household) -> None:
    """B-28, B-29: the stopped prompt does not run again, and its session is gone; later texts stay pending."""
    house.say("1")
    house.open()
    house.record(session_id="s1")
    house.say("2")
    command = house.say("c", "/reset").seq
    assert cancel(house, "k", handled=command) == Cancelled(Generation(1), RUN, is_repeat=False)
    assert house.store.runs.get(RUN).outcome is Outcome.STOPPED
    session = house.store.sessions.get(COOKS)
    assert (session.session_id, session.generation, session.runtime, session.model) == (None, 1, "gemini", "m2")
    assert house.store.chats.list_unhandled_commands(10) == []
    assert [m.external_id for m in house.open(RunId("run-2")).prompt.messages] == ["2"]


def test_cancel_happens_once_per_key(house: Household) -> None:
    """A repeated cancel answers as before and does not touch the run that came after it."""
    first = cancel(house, "k")
    house.say("1")
    house.open()
    assert cancel(house, "k") == Cancelled(first.generation, None, is_repeat=True)
    assert house.store.runs.list_live() != []
    assert house.store.outbox.count_waiting() == 1


def test_cancel_ends_the_wait_for_a_retry(house: Household) -> None:
    """B-28: what people stopped does not start again by itself."""
    house.say("1")
    house.open()
    house.end(outcome=Outcome.FAILED)
    assert cancel(house, "k").run_id is None
    assert not house.progress().has_pending


def test_cancel_keeps_the_session_when_it_only_stops(house: Household) -> None:
    """`/stop` ends the run and keeps the conversation."""
    house.say("1")
    house.open()
    house.record(session_id="s1")
    cancel(house, "k", clears=False)
    assert house.store.sessions.get(COOKS).session_id == "s1"


def test_get_raises_for_an_unknown_group(house: Household) -> None:
    """A folder without a group has no session."""
    with pytest.raises(NotFound):
        house.store.sessions.get(Folder("nobody"))
