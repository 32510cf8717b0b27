"""A switch of models: the next agent is told what was said before, until one has answered (hazard B-121)."""

from __future__ import annotations

from intercomd.domain.ids import InputId, RunId
from intercomd.domain.runs import OpenedRun, Outcome
from tests.store.household import COOKS, ONE_RETRY, PROMPT, Household

SECOND, SECOND_INPUT = RunId("run-2"), InputId("input-2")


def switch(house: Household, key: str, model: str | None, *, clears_session: bool = True) -> None:
    """`/model`, or `/reset` without a model."""
    house.store.sessions.cancel(
        COOKS,
        key=key,
        clears_session=clears_session,
        runtime=None if model is None else "codex",
        model=model,
        reply=None,
        handled=None,
        now=house.now,
    )


def talk(house: Household) -> None:
    """A request and its delivered answer."""
    house.say("m1", "My cat is called Mo.")
    house.open()
    house.record(frame=1, replies=("Noted.",), settles=(PROMPT,), session_id="s1")
    house.end()
    house.store.outbox.record_sent([(row.outbox_id, ()) for row in house.claim()], house.now)


def ask_again(house: Household) -> OpenedRun:
    house.say("m2", "What is my cat called?")
    return house.open(SECOND, input_id=SECOND_INPUT)


def told(opened: OpenedRun) -> list[str]:
    return [] if opened.carried is None else [message.content for message in opened.carried.messages]


def test_switch_hands_over_what_was_said(house: Household) -> None:
    """People's texts and the assistant's, without commands, with the model that said them."""
    talk(house)
    house.say("c1", "/model codex")
    switch(house, "k1", "gpt-5.3-codex")
    opened = ask_again(house)
    assert told(opened) == ["My cat is called Mo.", "Noted."]
    assert (opened.session_id, opened.group.runtime, opened.group.model) == (None, "codex", "gpt-5.3-codex")
    assert [message.content for message in opened.prompt.messages] == ["What is my cat called?"]


def test_opening_again_gives_the_same_history(house: Household) -> None:
    """A lost answer of the store changes nothing."""
    talk(house)
    switch(house, "k1", "gpt-5.3-codex")
    opened = ask_again(house)
    assert house.open(SECOND, input_id=SECOND_INPUT) == opened


def test_failed_run_leaves_the_history_for_the_next_try(house: Household) -> None:
    """B-121: only an answer consumes it."""
    talk(house)
    switch(house, "k1", "gpt-5.3-codex")
    ask_again(house)
    house.end(SECOND, Outcome.FAILED, ONE_RETRY)
    house.now += ONE_RETRY.longest_wait
    opened = house.open(RunId("run-3"), input_id=InputId("input-3"))
    assert told(opened) == ["My cat is called Mo.", "Noted."]


def test_answer_consumes_the_history(house: Household) -> None:
    """The new session knows it from then on."""
    talk(house)
    switch(house, "k1", "gpt-5.3-codex")
    ask_again(house)
    house.record(SECOND, frame=1, replies=("Mo.",), settles=(SECOND_INPUT,), generation=1)
    house.end(SECOND)
    house.say("m3")
    assert house.open(RunId("run-3"), input_id=InputId("input-3")).carried is None


def test_second_switch_keeps_the_first_model_as_the_source(house: Household) -> None:
    """Nothing was said in between."""
    talk(house)
    switch(house, "k1", "gpt-5.3-codex")
    switch(house, "k2", "gemini-3.1-pro")
    carried = ask_again(house).carried
    assert carried is not None
    assert carried.model == ""


def test_reset_removes_the_history(house: Household) -> None:
    """`/reset` means a fresh start, also right after `/model`."""
    talk(house)
    switch(house, "k1", "gpt-5.3-codex")
    switch(house, "k2", None)
    assert ask_again(house).carried is None


def test_stop_keeps_the_history(house: Household) -> None:
    """`/stop` ends a run and nothing else."""
    talk(house)
    switch(house, "k1", "gpt-5.3-codex")
    switch(house, "k2", None, clears_session=False)
    assert told(ask_again(house)) == ["My cat is called Mo.", "Noted."]


def test_session_set_from_outside_removes_the_history(house: Household) -> None:
    """Whoever sets a session says what the agent knows."""
    talk(house)
    switch(house, "k1", "gpt-5.3-codex")
    house.store.sessions.replace(COOKS, "s2", house.now)
    assert ask_again(house).carried is None


def test_history_is_bounded(house: Household) -> None:
    """The newest texts that fit; one that is larger than the whole budget tells nothing."""
    for number in range(60):
        house.say(f"n{number}", f"text {number}")
    house.open()
    house.record(frame=1, settles=(PROMPT,))
    house.end()
    switch(house, "k1", "gpt-5.3-codex")
    texts = told(ask_again(house))
    assert texts == [f"text {number}" for number in range(20, 60)]
    house.record(SECOND, frame=1, settles=(SECOND_INPUT,), generation=1)
    house.end(SECOND)
    house.say("huge", "x" * 20_000)
    house.open(RunId("run-3"), input_id=InputId("input-3"))
    house.record(RunId("run-3"), frame=1, settles=(InputId("input-3"),), generation=1)
    house.end(RunId("run-3"))
    switch(house, "k2", "gemini-3.1-pro")
    house.say("last")
    assert house.open(RunId("run-4"), input_id=InputId("input-4")).carried is None


def test_new_group_has_nothing_to_carry(house: Household) -> None:
    """A switch before anything was said."""
    switch(house, "k1", "gpt-5.3-codex")
    assert ask_again(house).carried is None


