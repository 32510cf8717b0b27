"""A scheduled task from its fire time to its reply, beside people who write in the same and in other groups."""

from __future__ import annotations

from datetime import timedelta

import pytest

from intercomd.domain.ids import Folder
from intercomd.domain.mailbox import FollowUpReady
from intercomd.domain.runs import Outcome
from tests.actors.conftest import MakeWorld
from tests.actors.world import World

EVERY_MINUTE = ("cron", "* * * * *")
ONCE_IN_A_MINUTE = ("once", "2026-01-01T09:01")


def test_task_fires_on_time_again_and_again(make_world: MakeWorld) -> None:
    """Each fire time has one row and one run that begins at once; a recurring task does not end after its first run
    (B-22, B-72), and its reply stands in the chat's log (B-79)."""
    world = make_world()
    task = world.add_task("a", "m1", *EVERY_MINUTE)
    world.pass_time(185)
    assert [f"{fire.fire_at:%H:%M:%S}" for fire in world.fires(task)] == ["09:01:00", "09:02:00", "09:03:00"]
    assert world.fire_states(task) == ["ran", "ran", "ran"]
    delays = [run.opened_at - fire.fire_at for run, fire in zip(world.runs()[::-1], world.fires(task), strict=True)]
    assert max(delays) <= timedelta(milliseconds=100)
    assert world.replies("a") == ["re: m1"] * 3
    world.assert_at_rest()


def test_once_task_is_completed_by_its_only_run(make_world: MakeWorld) -> None:
    """It does not fire a second time, whatever is looked at later."""
    world = make_world()
    task = world.add_task("a", "m1", *ONCE_IN_A_MINUTE)
    world.pass_time(200)
    assert world.replies("a") == ["re: m1"]
    assert (world.task(task).status, world.task(task).next_run) == ("completed", None)


def test_agent_of_a_task_is_closed_as_soon_as_its_turn_has_ended(make_world: MakeWorld) -> None:
    """It does not keep its slot to wait for follow-ups (B-80)."""
    world = make_world()
    world.add_task("a", "m1", *ONCE_IN_A_MINUTE)
    world.pass_time(61)
    (run,) = world.runs()
    assert run.outcome is Outcome.SUCCEEDED
    assert run.ended_at == run.opened_at
    assert not world.agents.started[0].was_killed
    world.assert_at_rest()


def test_agent_of_a_task_that_does_not_end_is_killed_and_the_task_has_run(make_world: MakeWorld) -> None:
    """What it had to say was said."""
    world = make_world()
    task = world.add_task("a", "m1 deaf", *ONCE_IN_A_MINUTE)
    world.pass_time(75)
    assert world.agents.started[0].was_killed
    assert world.fire_states(task) == ["ran"]
    assert world.replies("a") == ["re: m1"]


def test_task_longer_than_its_interval_is_not_started_again_while_it_runs(make_world: MakeWorld) -> None:
    """Times that come meanwhile are recorded as skipped; afterwards the schedule goes on (B-71)."""
    world = make_world()
    task = world.add_task("a", "m1 hang", *EVERY_MINUTE)
    world.pass_time(200)
    assert world.fire_states(task) == ["running", "skipped", "skipped"]
    assert [fire.reason for fire in world.fires(task)[1:]] == ["still_running"] * 2
    world.agents.started[0].come_round()
    world.pass_time(45)
    assert world.fire_states(task) == ["ran", "skipped", "skipped", "running"]
    assert len(world.agents.started) == 2


def test_one_fire_waits_for_a_longer_task_when_it_may_queue(make_world: MakeWorld) -> None:
    """One and no more, and it runs as soon as the first is done."""
    world = make_world()
    task = world.add_task("a", "m1 hang", *EVERY_MINUTE, overlap="queue_one")
    world.pass_time(200)
    assert world.fire_states(task) == ["running", "queued", "skipped"]
    assert world.fires(task)[2].reason == "one_is_queued"
    world.agents.started[0].come_round()
    world.settle()
    assert world.fire_states(task) == ["ran", "running", "skipped"]


def test_task_of_a_removed_group_runs_no_more_and_says_why(make_world: MakeWorld) -> None:
    """It is paused, and leaves no row a minute (B-81)."""
    world = make_world()
    task = world.add_task("a", "m1", *EVERY_MINUTE)
    world.store.groups.remove(Folder("a"), world.now)
    world.pass_time(300)
    assert world.task(task).status == "paused"
    assert world.fires(task) == []
    assert "task.paused" in world.codes("a")
    assert world.agents.started == []


def test_once_task_that_fails_tells_the_chat(make_world: MakeWorld) -> None:
    """After its retries, once: nobody waits for what will not come."""
    world = make_world()
    world.say("a", "m0")
    task = world.add_task("a", "m1 fail", *ONCE_IN_A_MINUTE)
    world.pass_time(60 + 5 + 10 + 20 + 40 + 80 + 5)
    assert world.fire_states(task) == ["failed"]
    assert len([run for run in world.runs("a") if run.task_id == task]) == 6
    reply, notice = world.replies("a")
    assert reply == "re: m0"
    assert "failed" in notice


def test_failed_run_of_a_task_is_tried_again_after_its_wait(make_world: MakeWorld) -> None:
    """The Scheduler wakes for the retry; no poll is needed."""
    world = make_world()
    task = world.add_task("a", "m1 crash", *ONCE_IN_A_MINUTE)
    world.pass_time(64)
    assert len(world.runs()) == 1
    assert world.fire_states(task) == ["queued"]
    world.pass_time(1)
    assert len(world.runs()) == 2


def test_isolated_task_leaves_the_conversation_alone(make_world: MakeWorld) -> None:
    """It starts without the chat's session, and its own is kept by nobody (B-76)."""
    world = make_world()
    world.say("a", "m0")
    world.settle()
    session = world.store.sessions.get(Folder("a"))
    world.add_task("a", "m1", *ONCE_IN_A_MINUTE, context_mode="isolated")
    world.pass_time(61)
    assert world.agents.started[1].session != world.agents.started[0].session
    assert world.store.sessions.get(Folder("a")) == session


def test_task_in_the_group_s_context_continues_the_conversation(make_world: MakeWorld) -> None:
    """The agent knows what was said before."""
    world = make_world()
    world.say("a", "m0")
    world.add_task("a", "m1", *ONCE_IN_A_MINUTE, context_mode="group")
    world.pass_time(61)
    assert world.agents.started[1].session == world.agents.started[0].session
    assert world.replies("a") == ["re: m0", "re: m1"]


def test_idle_agent_makes_room_at_once_when_its_own_group_s_task_is_due(make_world: MakeWorld) -> None:
    """Waiting for follow-ups is no reason to be late, however many slots are free."""
    world = make_world(slots=5)
    world.say("a", "m0")
    task = world.add_task("a", "m1", *ONCE_IN_A_MINUTE)
    world.pass_time(59)
    assert world.board.view.idle == ("a",)
    world.pass_time(2)
    assert [run.outcome for run in world.runs()] == [Outcome.SUCCEEDED] * 2
    assert not world.agents.started[0].was_killed
    assert world.runs()[0].opened_at == world.fires(task)[0].fire_at


def test_message_during_a_task_s_run_is_answered_by_the_next_run(make_world: MakeWorld) -> None:
    """It is no follow-up of the task, and it is not forgotten either (B-22)."""
    world = make_world()
    world.add_task("a", "m1 hang", *ONCE_IN_A_MINUTE)
    world.pass_time(65)
    world.say("a", "m2")
    world.pass_time(5)
    assert len(world.agents.started) == 1
    world.agents.started[0].come_round()
    world.settle()
    assert world.answered("a") == {"m1": 1, "m2": 1}
    assert [run.task_id is None for run in world.runs()] == [True, False]


def test_run_of_a_task_takes_no_follow_up_whoever_offers_one(make_world: MakeWorld) -> None:
    """A Dispatcher that has just begun anew may not know yet what kind of run it is."""
    world = make_world()
    world.add_task("a", "m1 look", *ONCE_IN_A_MINUTE)
    world.pass_time(61)
    world.say("a", "m2")
    world.book.address(f"orchestrator/runs/run:{world.runs()[0].run_id}").hint(FollowUpReady())
    world.settle()
    assert world.replies("a") == ["re: m1"]


def test_message_during_a_task_s_run_stands_in_line_when_the_dispatcher_has_begun_anew(make_world: MakeWorld) -> None:
    """What kind of runs the slots are used for is read from the store."""
    world = make_world()
    world.add_task("a", "m1 hang", *ONCE_IN_A_MINUTE)
    world.pass_time(61)
    world.sim.crash("orchestrator/dispatcher")
    world.pass_time(1)
    world.say("a", "m2")
    world.settle()
    assert (world.board.view.live, world.board.view.waiting) == (("a",), 1)


def test_stop_ends_the_run_of_a_task_and_its_schedule_goes_on(make_world: MakeWorld) -> None:
    """The fire is settled as stopped, not run again; the next one runs."""
    world = make_world()
    task = world.add_task("a", "m1 hang", *EVERY_MINUTE)
    world.pass_time(65)
    world.say("a", "/stop")
    world.settle()
    assert world.agents.started[0].was_killed
    assert world.fire_states(task) == ["stopped"]
    world.pass_time(60)
    assert world.fire_states(task) == ["stopped", "running"]
    assert world.task(task).status == "active"


def test_task_is_not_run_again_when_a_drain_ends_it_after_its_reply(make_world: MakeWorld) -> None:
    """What was said is said."""
    world = make_world()
    task = world.add_task("a", "m1 look", *ONCE_IN_A_MINUTE)
    world.pass_time(61)
    world.drain()
    assert world.agents.alive == []
    world.restart()
    world.finish()
    assert world.replies("a").count("re: m1") == 1
    assert world.fire_states(task) == ["ran"]
    world.assert_at_rest()


def test_task_is_run_by_the_next_daemon_when_a_drain_ends_it_before_its_reply(make_world: MakeWorld) -> None:
    """Nothing was said yet, so nothing is said twice."""
    world = make_world()
    task = world.add_task("a", "m1 hang", *ONCE_IN_A_MINUTE)
    world.pass_time(61)
    world.drain()
    assert world.agents.alive == []
    assert world.fire_states(task) == ["queued"]
    world.restart()
    world.settle(lambda: len(world.agents.started) == 2)
    world.agents.started[1].come_round()
    world.finish()
    assert world.replies("a") == ["re: m1"]
    assert world.fire_states(task) == ["ran"]
    world.assert_at_rest()


def test_silent_task_sends_nothing_and_counts_as_run(make_world: MakeWorld) -> None:
    """ "Only tell me if…" is an outcome like any other, and no reason to try again (B-78)."""
    world = make_world()
    task = world.add_task("a", "m1 silent", *ONCE_IN_A_MINUTE)
    world.pass_time(61)
    assert world.replies("a") == []
    assert world.fire_states(task) == ["ran"]
    assert len(world.runs()) == 1


@pytest.mark.parametrize("slots", [1, 2, 3])
def test_people_are_served_first_while_many_tasks_are_due_at_one_minute(make_world: MakeWorld, slots: int) -> None:
    """Each request is one of the next runs to begin, and the tasks still all run."""
    world = make_world(slots=slots, idle_s=5)
    tasks = [world.add_task(f"g{number % 30}", f"m{number}", *ONCE_IN_A_MINUTE) for number in range(120)]
    world.pass_time(60, tick=20)
    world.settle(lambda: len(world.agents.started) >= 5)
    write_in_groups_without_a_run(world, 30)
    world.finish()
    assert {state for task in tasks for state in world.fire_states(task)} == {"ran"}
    assert world.answered(*(f"g{index}" for index in range(30))).most_common(1)[0][1] == 1
    world.assert_at_rest()


@pytest.mark.full
def test_people_are_served_first_while_ten_thousand_tasks_are_due_at_one_minute(make_world: MakeWorld) -> None:
    """However many wait: all are claimed within seconds, and a person still has a slot."""
    world = make_world(slots=3)
    for folder in ("slow-1", "slow-2"):
        world.add_task(folder, "m0 hang", "once", "2026-01-01T09:00:30")
    for number in range(10_000):
        world.add_task(f"g{number % 1000}", f"m{number}", *ONCE_IN_A_MINUTE)
    world.pass_time(65, tick=5)
    assert world.store.tasks.count_fires() == {"queued": 10_000, "running": 2}
    write_in_groups_without_a_run(world, 1000)


def write_in_groups_without_a_run(world: World, groups: int) -> None:
    """Counted in turns: before a request's run there begin no more runs of other groups than there are slots."""
    slots = world.settings.orchestrator.max_concurrent_containers
    for number in range(8):
        folder = next(f"g{index}" for index in range(groups) if f"g{index}" not in world.board.view.live)
        runs_of_group, runs = len(world.runs(folder)), len(world.store.runs.list_recent(None, 100_000))
        world.say(folder, f"m{90_000 + number}")
        world.settle(lambda folder=folder, before=runs_of_group: len(world.runs(folder)) > before)  # type: ignore[misc]
        begun = world.store.runs.list_recent(None, 100_000)[:-runs]
        assert len([run for run in begun if run.folder != folder]) <= slots
