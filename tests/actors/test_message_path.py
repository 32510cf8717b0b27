"""The whole message path under seeded orders: nothing lost, nothing doubled, every silence explained."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest

from intercomd.domain.endings import SESSION_LOST_NOTICE
from intercomd.domain.ids import Folder
from intercomd.domain.mailbox import GroupCancelled
from intercomd.domain.runs import Outcome
from intercomd.errors import SandboxError, SetupNeeded
from intercomd.supervision.port import ChildExited, ExitReason
from tests.actors.conftest import MakeWorld
from tests.actors.world import Sabotage

SEEDS = range(6)


@pytest.mark.parametrize("seed", SEEDS)
def test_every_request_is_answered_exactly_once_when_more_groups_write_than_there_are_slots(
    make_world: MakeWorld, seed: int
) -> None:
    """Waiting groups all get their turn (B-18), messages into a live run are answered too (B-19)."""
    world = make_world(seed)
    chats = ["a", "b", "c", "d"]
    for number in range(12):
        world.say(chats[number % 4], f"m{number}")
        for _ in range(world.random.randrange(12)):
            world.step()
    world.finish()
    assert world.answered(*chats) == {f"m{number}": 1 for number in range(12)}
    world.assert_at_rest()


def test_slot_goes_to_the_oldest_request_when_several_groups_wait(make_world: MakeWorld) -> None:
    """In order of waiting, whatever the order of hints (B-26)."""
    world = make_world(slots=1)
    for number, chat in enumerate(["a", "b", "c", "d"]):
        world.say(chat, f"m{number}")
        world.sim.clock.move_to(world.sim.clock.monotonic() + 0.01)
    world.finish()
    assert [run.folder for run in reversed(world.runs())] == ["a", "b", "c", "d"]


def test_idle_agent_takes_a_follow_up_into_the_same_run(make_world: MakeWorld) -> None:
    """Follow-ups reach the live agent (B-21) and are answered on their own."""
    world = make_world()
    world.say("a", "m1")
    world.settle()
    world.say("a", "m2")
    world.settle()
    assert world.replies("a") == ["re: m1", "re: m2"]
    assert len(world.runs()) == 1


def test_idle_agent_is_closed_after_the_idle_timeout(make_world: MakeWorld) -> None:
    """The run ends as a success by the sentinel, not by a kill (B-27)."""
    world = make_world()
    world.say("a", "m1")
    world.settle()
    assert world.board.view.idle == ("a",)
    world.pass_time(299, tick=13)
    assert world.agents.alive
    world.pass_time(10)
    assert [run.outcome for run in world.runs()] == [Outcome.SUCCEEDED]
    assert not world.agents.started[0].was_killed
    world.assert_at_rest()


def test_idle_agent_makes_room_at_once_when_another_group_waits(make_world: MakeWorld) -> None:
    """An answered group does not hold its slot (B-26)."""
    world = make_world(slots=1)
    world.say("a", "m1")
    world.settle()
    world.say("b", "m2")
    world.settle()
    assert world.replies("b") == ["re: m2"]


def test_agent_of_protocol_1_gets_no_follow_ups_and_later_messages_open_the_next_run(make_world: MakeWorld) -> None:
    """The images of the existing system are never handed what they would not acknowledge."""
    world = make_world()
    world.agents.protocol = 1
    world.say("a", "m1")
    world.settle(lambda: bool(world.agents.alive))
    world.say("a", "m2")
    world.finish()
    assert world.answered("a") == {"m1": 1, "m2": 1}
    assert len(world.runs()) == 2


def test_failing_request_is_tried_six_times_then_gives_one_notice(make_world: MakeWorld) -> None:
    """Pauses of 5, 10, 20, 40, 80 s (B-20), then a notice, once (B-123); nothing more happens (B-114)."""
    world = make_world()
    world.say("a", "m1 crash")
    world.finish()
    starts = [run.opened_at for run in reversed(world.runs())]
    pauses = [(later - earlier).total_seconds() for earlier, later in pairwise(starts)]
    assert [round(pause) for pause in pauses] == pytest.approx([5, 10, 20, 40, 80], abs=1.5)
    assert len(world.replies("a")) == 1
    assert "/retry" in world.replies("a")[0]
    world.assert_at_rest()


def test_notice_after_the_last_try_says_why_in_the_agents_words(make_world: MakeWorld) -> None:
    """People learn that the provider is busy, and not only that something failed (B-123)."""
    world = make_world()
    world.say("a", "m1 busy")
    world.finish()
    assert [run.outcome for run in world.runs()] == [Outcome.FAILED] * 6
    assert world.replies("a") == [
        "⚠️ Your last request could not be answered: Anthropic takes no more requests for now. Send /retry to try again."
    ]
    world.assert_at_rest()


def test_failure_that_will_not_go_away_is_told_at_once_with_what_helps(make_world: MakeWorld) -> None:
    """A refused credential gives one run and one notice with the agent's own advice, and no retries."""
    world = make_world()
    world.say("a", "m1 refuse")
    world.finish()
    (notice,) = world.replies("a")
    assert "renew the key. Send /retry" in notice
    assert [run.outcome for run in world.runs()] == [Outcome.REFUSED]
    world.assert_at_rest()


def test_lost_session_is_told_once_before_the_reply(make_world: MakeWorld) -> None:
    """People learn why the assistant forgot, and the next run goes on with the new session."""
    world = make_world()
    world.say("a", "m1")
    world.finish()
    world.say("a", "m2 amnesia")
    world.finish()
    world.say("a", "m3")
    world.finish()
    assert world.replies("a") == ["re: m1", SESSION_LOST_NOTICE, "re: m2", "re: m3"]
    assert world.agents.started[-1].session == world.agents.started[-2].session


def test_new_request_runs_at_once_when_its_group_is_waiting_for_a_retry(make_world: MakeWorld) -> None:
    """A backoff never delays what somebody just wrote."""
    world = make_world()
    world.say("a", "m1 crash")
    world.settle()
    runs_before = len(world.runs())
    world.say("a", "m2")
    world.settle()
    assert len(world.runs()) == runs_before + 1


def test_retry_command_runs_the_failed_request_again(make_world: MakeWorld) -> None:
    """After the notice the person decides; the failed text is in the prompt again."""
    world = make_world()
    world.say("a", "m1 fail")
    world.finish()
    runs_before = len(world.runs())
    world.say("a", "/retry")
    world.settle()
    assert len(world.runs()) == runs_before + 1
    prompt_tokens = world.agents.started[-1]
    assert prompt_tokens.folder == "a"


def test_retry_command_runs_a_request_at_once_that_waits_for_its_next_try(make_world: MakeWorld) -> None:
    """Nobody has to sit out a backoff who asks for the next try."""
    world = make_world()
    world.say("a", "m1 fail")
    world.settle()
    world.say("a", "/retry")
    world.settle()
    assert len(world.runs()) == 2
    assert world.replies("a") == ["Trying the last failed request again."]
    world.finish()
    assert len(world.replies("a")) == 2
    world.assert_at_rest()


def test_retry_command_says_so_when_nothing_failed(make_world: MakeWorld) -> None:
    """No run, one honest answer."""
    world = make_world()
    world.say("a", "m1")
    world.finish()
    world.say("a", "/retry")
    world.finish()
    assert world.replies("a") == ["re: m1", "There is nothing to retry."]


def test_declared_silence_settles_the_request_and_leaves_an_event(make_world: MakeWorld) -> None:
    """Silence is an outcome that can be explained."""
    world = make_world()
    world.say("a", "m1 silent")
    world.finish()
    assert world.replies("a") == []
    assert "run.silent" in world.codes("a")
    world.assert_at_rest()


def test_reply_cut_off_by_a_crash_is_followed_by_a_notice_and_not_repeated(make_world: MakeWorld) -> None:
    """What was said is not said twice (B-114), and the person knows that it broke off."""
    world = make_world()
    world.say("a", "m1 half")
    world.finish()
    assert world.replies("a")[0] == "re: m1"
    assert len(world.replies("a")) == 2
    assert len(world.runs()) == 1


def test_silent_agent_is_killed_at_its_time_out_and_counts_as_failed(make_world: MakeWorld) -> None:
    """An agent that only announced itself has not answered (B-60)."""
    world = make_world()
    world.say("a", "m1 hang")
    world.settle()
    world.pass_time(299, tick=13)
    assert world.agents.alive
    world.pass_time(3)
    assert world.runs()[-1].outcome is Outcome.TIMED_OUT
    assert world.agents.started[0].was_killed


@pytest.mark.parametrize("command", ["/stop", "/reset", "/model gemini"])
def test_cancel_kills_the_agent_and_nothing_of_its_text_is_sent(make_world: MakeWorld, command: str) -> None:
    """The killed prompt is not run again (B-28), the session is not resurrected (B-29)."""
    world = make_world()
    world.say("a", "m1")
    world.settle(lambda: bool(world.agents.alive))
    world.say("a", command)
    world.settle(lambda: world.agents.started[0].was_killed)
    world.finish()
    assert world.answered("a") == {}
    assert [run.outcome for run in world.runs()] == [Outcome.STOPPED]
    assert len(world.replies("a")) == 1
    assert world.store.sessions.get(world.runs()[0].folder).session_id is None
    world.assert_at_rest()


def test_texts_written_after_a_cancel_are_answered(make_world: MakeWorld) -> None:
    """A cancel ends one run, not the chat."""
    world = make_world()
    world.say("a", "m1 hang")
    world.settle()
    world.say("a", "/stop")
    world.say("a", "m2")
    world.finish()
    assert world.answered("a") == {"m2": 1}


def test_run_opened_after_a_cancel_is_left_alone_when_the_hint_arrives_late(make_world: MakeWorld) -> None:
    """A cancel ends the run it was meant for, however late the actors hear of it."""
    world = make_world()
    world.say("a", "m1")
    world.settle(lambda: bool(world.agents.alive))
    world.book.address("orchestrator/dispatcher").hint(GroupCancelled(Folder("a")))
    world.finish()
    assert world.answered("a") == {"m1": 1}
    world.assert_at_rest()


def test_command_is_answered_after_a_restart_when_its_hint_was_lost(make_world: MakeWorld) -> None:
    """A command is in the store until its reply is."""
    world = make_world()
    world.say("a", "/ping")
    world.restart()
    world.finish()
    assert world.replies("a") == ["Amtiskaw is online."]


def test_same_external_id_is_answered_once_when_it_is_delivered_again(make_world: MakeWorld) -> None:
    """A channel that re-delivers does not make two requests."""
    world = make_world()
    world.say("a", "m1", external_id="same")
    world.say("a", "m1", external_id="same")
    world.finish()
    world.say("a", "m1", external_id="same")
    world.finish()
    assert world.answered("a") == {"m1": 1}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("steps", [5, 15, 30, 60])
def test_kill_at_any_instant_loses_and_doubles_nothing(make_world: MakeWorld, seed: int, steps: int) -> None:
    """After `kill -9` the claims of the dead daemon are rescued and each message has one outcome (B-09, B-12, B-66)."""
    world = make_world(seed)
    tokens = {}
    for number in range(6):
        world.say("abc"[number % 3], f"m{number}")
        tokens[f"m{number}"] = 1
        for _ in range(world.random.randrange(steps)):
            world.step()
    world.restart()
    world.say("a", "m6")
    world.finish()
    assert world.answered("a", "b", "c") == tokens | {"m6": 1}
    world.assert_at_rest()


@pytest.mark.parametrize("hours", [-1, 1])
def test_moved_wall_clock_stalls_nothing_and_repeats_nothing(make_world: MakeWorld, hours: int) -> None:
    """Durations are monotonic; the sequence of messages does not depend on time (B-06, B-07)."""
    world = make_world()
    world.say("a", "m1")
    world.settle()
    world.sim.clock.set_wall(world.sim.clock.now() + timedelta(hours=hours))
    world.say("a", "m2")
    world.say("b", "m3")
    world.finish()
    assert world.answered("a", "b") == {"m1": 1, "m2": 1, "m3": 1}
    world.assert_at_rest()


def test_sandbox_that_cannot_start_is_tried_again_and_then_told(make_world: MakeWorld) -> None:
    """A broken engine is a failure like any other: retries, then one notice."""
    world = make_world()
    world.agents.refusal = SandboxError("no engine today")
    world.say("a", "m1")
    world.finish()
    assert len(world.runs()) == 6
    assert all(run.error == "no engine today" for run in world.runs())
    assert len(world.replies("a")) == 1


def test_run_that_needs_a_person_is_not_tried_again_and_says_what_to_change(make_world: MakeWorld) -> None:
    """What cannot heal by itself is one run and one notice with the fix; /retry runs it again (B-123)."""
    world = make_world()
    world.agents.refusal = SetupNeeded("there is no credential for claude: set ANTHROPIC_API_KEY")
    world.say("a", "m1")
    world.finish()
    assert [run.outcome for run in world.runs()] == [Outcome.REFUSED]
    (notice,) = world.replies("a")
    assert "set ANTHROPIC_API_KEY" in notice
    assert "/retry" in notice


def test_exit_of_an_earlier_queue_does_not_take_the_slot_of_its_successor(make_world: MakeWorld) -> None:
    """A late report about a name that is alive again changes nothing."""
    world = make_world(slots=1)
    world.say("a", "m1")
    world.settle()
    world.sim.book.address("orchestrator/dispatcher").tell(ChildExited("queue:a", ExitReason.NORMAL, None))
    world.say("b", "m2 hang")
    world.sim.run_until_idle()
    assert len(world.board.view.live) == 1
    assert len(world.agents.alive) == 1


def test_command_that_was_edited_into_ordinary_text_is_not_looked_at_for_ever(make_world: MakeWorld) -> None:
    """It gets no answer as a command, and does not fill the sweep."""
    world = make_world(sabotage=Sabotage("commands", "CommandStored", is_before=True))
    world.say("a", "/ping", external_id="edited")
    world.say("a", "never mind", external_id="edited")
    world.finish()
    assert world.sabotage.has_struck
    assert world.replies("a") == []
    assert world.store.chats.list_unhandled_commands(10) == []


def test_command_is_answered_although_the_session_store_crashed_over_it(make_world: MakeWorld) -> None:
    """One crash is one crash: the asker postpones and tries again."""
    world = make_world(sabotage=Sabotage("session_store", "SessionOf", is_before=True))
    world.say("a", "/status")
    world.finish()
    assert world.sabotage.has_struck
    assert len(world.replies("a")) == 1
    assert [crash.split(":")[0] for crash in world.sim.crashes] == ["session_store"]
