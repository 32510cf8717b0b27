"""Which inputs are answered, over every interleaving of what can happen to a run."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intercomd.domain.frames import AgentFailed, Announcement, Frame, Result, SessionLost, TextDelta, TurnEnded
from intercomd.domain.ids import InputId
from intercomd.domain.turns import Turns, after

P, F = InputId("prompt"), InputId("follow-up")
START = Turns((P,))


def play(*frames: Frame, turns: Turns = START) -> Turns:
    for frame in frames:
        turns = after(turns, frame).turns
    return turns


def test_announcement_answers_nothing() -> None:
    """A container that only announces its model has not answered (B-60)."""
    assert play(Announcement(1, "m", None)).open_inputs == (P,)


def test_first_result_settles_the_prompt_when_the_agent_is_of_protocol_1() -> None:
    """The existing system's agents do not say what they answer."""
    step = after(START, Result("hi", "s", None))
    assert (step.reply, step.settles, step.new_session_id) == ("hi", (P,), "s")


def test_result_of_internal_text_is_a_declared_silence() -> None:
    """The input has its outcome and nothing is sent (B-78)."""
    step = after(START, Result("<internal>nothing to say</internal>", None, None))
    assert step.reply is None
    assert step.settles == (P,)


def test_follow_up_stays_open_when_only_the_prompt_was_answered() -> None:
    """Each input is acknowledged on its own (B-12)."""
    turns = play(Announcement(2, "echo", None)).with_input(F)
    turns = play(Result("a", None, (P,)), TurnEnded(None, (P,)), turns=turns)
    assert turns.open_inputs == (F,)
    assert not turns.is_idle


def test_run_is_idle_only_after_the_turn_has_ended() -> None:
    """Progress is not idleness (B-24)."""
    turns = play(Announcement(2, "echo", None), TextDelta("a"), Result("a", None, (P,)))
    assert not turns.is_idle
    assert play(TurnEnded(None, (P,)), turns=turns).is_idle


def test_error_after_a_reply_wants_a_notice_and_settles_nothing_more() -> None:
    """A half reply is not passed off as a whole one."""
    step = after(play(Announcement(2, "echo", None), Result("half", None, (P,))), AgentFailed("boom", None, None))
    assert step.wants_notice
    assert step.settles == ()


def test_end_of_turn_is_not_written_when_it_brings_nothing_new() -> None:
    """One commit a reply, not two."""
    turns = play(Announcement(2, "echo", None), Result("a", "s", (P,)))
    assert not after(turns, TurnEnded("s", (P,))).is_worth_recording


def test_lost_session_is_recorded_and_the_next_one_is_new() -> None:
    """The id that follows is kept even if the agent gives the old one again."""
    turns = play(Announcement(2, "m", "s"))
    step = after(turns, SessionLost("s"))
    assert (step.lost_session, step.is_worth_recording, step.turns.open_inputs) == ("s", True, (P,))
    assert after(step.turns, Result("hi", "s", (P,))).new_session_id == "s"


inputs = st.sampled_from([P, F, InputId("unknown")])
answers = st.one_of(st.none(), st.lists(inputs, max_size=3).map(tuple))
frames = st.one_of(
    st.builds(Announcement, st.sampled_from([1, 2]), st.none(), st.none()),
    st.builds(Result, st.sampled_from(["text", "", "<internal>x"]), st.none(), answers),
    st.builds(TurnEnded, st.none(), answers),
    st.builds(AgentFailed, st.just("e"), st.none(), answers),
)


@given(st.lists(st.one_of(frames, st.just("take")), max_size=12))
def test_every_input_is_settled_at_most_once_and_never_forgotten(happenings: list[Frame | str]) -> None:
    """Over all interleavings of taken, result, end of turn and error: settled + open = delivered, each once."""
    turns, taken = START, 0
    settled: list[InputId] = []
    for happening in happenings:
        if isinstance(happening, str):
            if turns.takes_follow_ups and taken == 0:
                turns, taken = turns.with_input(F), 1
            continue
        step = after(turns, happening)
        settled += step.settles
        assert not step.settles or step.is_worth_recording
        turns = step.turns
    assert len(settled) == len(set(settled))
    assert set(settled) | set(turns.open_inputs) == set(turns.delivered)
    assert not (set(settled) & set(turns.open_inputs))


@pytest.mark.parametrize("answered", [(), (InputId("unknown"),)])
def test_answers_to_unknown_inputs_settle_nothing(answered: tuple[InputId, ...]) -> None:
    """An agent cannot settle what it was not given."""
    assert after(play(Announcement(2, None, None)), Result("x", None, answered)).settles == ()
