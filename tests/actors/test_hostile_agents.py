"""Agents that do not end, do not finish, or whose last word is lost: no slot is held, no silence unexplained."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from intercomd.domain.endings import CUT_OFF_NOTICE
from intercomd.domain.runs import Outcome
from tests.actors.world import World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(5, tmp_path, slots=1)
    yield world
    world.close()


def test_run_ends_although_the_word_of_its_sandbox_s_end_was_lost(world: World) -> None:
    """The sandbox is gone, its last item was not delivered: the run finds out by itself and frees its slot."""
    world.say("a", "m1")
    world.settle()
    sandbox = world.agents.started[0]
    sandbox.is_mute = True
    sandbox.kill()
    world.say("b", "m2")
    world.pass_time(30)
    assert world.answered("b") == {"m2": 1}


def test_agent_that_keeps_talking_after_the_sentinel_is_killed(world: World) -> None:
    """Noise does not buy time once the agent was asked to end; the waiting group gets the slot."""
    world.say("a", "m1 deaf")
    world.settle()
    world.say("b", "m2")
    for _ in range(15):
        world.pass_time(1)
        if world.agents.started[0].is_alive:
            world.agents.started[0].chatter()
    assert world.agents.started[0].was_killed
    world.pass_time(3)
    assert world.answered("a", "b") == {"m1": 1, "m2": 1}


def test_reply_that_was_never_finished_is_followed_by_a_notice_when_the_run_times_out(world: World) -> None:
    """"Let me look that up" and then nothing: the person is told, as after a crash."""
    world.say("a", "m1 look")
    world.settle()
    world.pass_time(310, tick=5)
    assert world.runs("a")[0].outcome is Outcome.TIMED_OUT
    assert world.replies("a") == ["re: m1", CUT_OFF_NOTICE]


def test_run_is_not_started_when_the_lease_went_to_somebody_else(world: World) -> None:
    """A process that stood still between opening and starting starts nothing; the request runs once, later."""
    world.say("a", "m1")
    world.settle(lambda: bool(world.store.runs.list_live()))
    world.lose_dispatch()
    world.sim.run_until_idle()
    assert world.agents.started == []
    world.regain_dispatch()
    world.finish()
    assert world.answered("a") == {"m1": 1}
    assert len(world.agents.started) == 1
