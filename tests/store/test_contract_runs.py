"""Opening runs, their inputs and their frames, on every engine."""

from __future__ import annotations

from datetime import timedelta

import pytest

from intercomd.domain.events import EventCode
from intercomd.domain.ids import DutyName, Epoch, Folder, InputId, RunId
from intercomd.domain.leases import Fence
from intercomd.domain.outbox import OutboxState, TextKind
from intercomd.domain.runs import Outcome, ProcessIdentity
from intercomd.errors import FenceLost, NotFound, StoreConflict
from intercomd.store.ports import InputLimits
from tests.store.household import COOKS, KITCHEN, NOON, OTHER, PROMPT, RUN, Household, message

FOLLOW_UP = InputId("input-2")
IDENTITY = ProcessIdentity("process", "intercom-cooks", 4711, 99)


def test_open_run_takes_everything_pending(house: Household) -> None:
    """The prompt holds requests and context, no commands and no bot messages."""
    house.say("1", "one")
    house.say("2", "/ping")
    house.store.chats.ingest(message("3", "bot", is_bot=True), NOON)
    house.say("4", "four")
    opened = house.open()
    assert [m.content for m in opened.prompt.messages] == ["one", "four"]
    assert (opened.prompt.after_seq, opened.prompt.up_to_seq, opened.prompt.omitted) == (0, 4, 0)
    assert (opened.attempt, opened.generation, opened.epoch, opened.session_id) == (1, 0, 1, None)


def test_open_run_gives_the_same_answer_when_repeated(house: Household) -> None:
    """A known run id opens nothing new, even with more in the chat by now."""
    house.say("1")
    opened = house.open()
    house.say("2")
    assert house.open() == opened
    assert len(house.store.runs.list_live()) == 1


def test_open_run_opens_nothing_when_nothing_is_pending(house: Household) -> None:
    """Without a request there is no run."""
    assert house.store.runs.open_run(house.dispatch, COOKS, RUN, PROMPT, InputLimits(), NOON) is None


def test_open_run_refuses_a_second_live_run(house: Household) -> None:
    """One run at a time per group."""
    house.say("1")
    house.open()
    with pytest.raises(StoreConflict, match="run-1"):
        house.open(RunId("run-2"))
    assert [run.run_id for run in house.store.runs.list_live(COOKS)] == [RUN]


def test_open_run_refuses_a_lost_fence(house: Household) -> None:
    """Neither an old epoch nor a duty nobody owns may open a run."""
    house.say("1")
    seen = house.store.leases.find(house.dispatch.duty)
    house.store.leases.take(house.dispatch.duty, seen, OTHER)
    for fence in (house.dispatch, Fence(DutyName("nobody's"), Epoch(1))):
        with pytest.raises(FenceLost, match=fence.duty):
            house.store.runs.open_run(fence, COOKS, RUN, PROMPT, InputLimits(), NOON)
    assert house.store.runs.list_live() == []


def test_open_run_raises_for_an_unknown_group(house: Household) -> None:
    """A folder without a group is not found."""
    with pytest.raises(NotFound):
        house.store.runs.open_run(house.dispatch, Folder("nobody"), RUN, PROMPT, InputLimits(), NOON)


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        (InputLimits(messages=3), ["r1", "c3", "c4"]),
        (InputLimits(messages=1), ["r1"]),
        (InputLimits(content_bytes=6), ["r1", "c3", "c4"]),
        (InputLimits(content_bytes=1), ["r1"]),
        (InputLimits(), ["c0", "r1", "c2", "c3", "c4"]),
    ],
)
def test_open_run_always_includes_the_request(house: Household, limits: InputLimits, expected: list[str]) -> None:
    """B-16, B-125: a prompt is bounded, keeps the newest messages, and never leaves out what was asked."""
    house.register(COOKS, KITCHEN, requires_trigger=True)
    house.say("c0", "c0")
    house.say("r1", "@Ada")
    for name in ("c2", "c3", "c4"):
        house.say(name, name)
    if limits.content_bytes == 6:
        limits = InputLimits(content_bytes=len("@Ada") + 4)
    prompt = house.open(limits=limits).prompt
    assert [m.external_id for m in prompt.messages] == expected
    assert prompt.omitted == 5 - len(expected)
    assert house.open(limits=limits).prompt == prompt


def test_record_start_keeps_how_to_find_the_process(house: Household) -> None:
    """The sandbox can be found again after a crash; an ended run is superseded."""
    house.say("1")
    house.open()
    assert not house.store.runs.record_start(RUN, IDENTITY, "/log", "echo", "m", NOON).is_superseded
    run = house.store.runs.get(RUN)
    assert (run.identity, run.log_path, run.runtime, run.model, run.started_at) == (IDENTITY, "/log", "echo", "m", NOON)
    house.end(outcome=Outcome.STOPPED)
    assert house.store.runs.record_start(RUN, IDENTITY, "/log", "echo", "m", NOON).is_superseded


def test_record_frame_is_all_or_nothing_and_once(house: Household) -> None:
    """B-09, B-38: replies, session and settled inputs come together, and a repeated frame changes nothing."""
    house.say("1")
    house.open()
    for _ in range(2):
        recorded = house.record(replies=("part 1", "part 2"), settles=(PROMPT,), session_id="s1")
        assert (recorded.is_superseded, recorded.replies) == (False, 2)
    rows = house.store.outbox.list_recent(KITCHEN, 10)
    assert [(row.outbox_id, row.kind, row.state) for row in reversed(rows)] == [
        ("run-1:0:0", TextKind.REPLY, OutboxState.PENDING),
        ("run-1:0:1", TextKind.REPLY, OutboxState.PENDING),
    ]
    progress = house.progress()
    assert (progress.settled_seq, progress.context_seq, progress.waiting_since) == (1, 1, None)
    assert house.store.sessions.get(COOKS).session_id == "s1"
    assert house.store.runs.get(RUN).has_effects


def test_record_frame_lets_the_rest_wait_since_its_oldest_request(house: Household) -> None:
    """B-12: settling the prompt leaves later messages pending, with their own waiting time."""
    house.say("1")
    house.open()
    house.now = NOON + timedelta(seconds=7)
    house.say("2")
    house.record(settles=(PROMPT,))
    progress = house.progress()
    assert (progress.settled_seq, progress.has_pending, progress.waiting_since) == (1, True, house.now)


def test_record_frame_of_another_generation_is_an_event_only(house: Household) -> None:
    """B-29: after a cancel nothing of the old run reaches the chat or the session."""
    house.say("1")
    house.open()
    cancel(house, "stop-1")
    for _ in range(2):
        assert house.record(replies=("late",), session_id="old").is_superseded
    assert house.store.outbox.count_waiting() == 0
    assert house.store.sessions.get(COOKS).session_id is None
    codes = [event.code for event in house.store.events.list_recent(KITCHEN, 20)]
    assert codes.count(EventCode.RUN_SUPERSEDED) == 1


def test_record_frame_keeps_a_notice_apart_from_replies(house: Household) -> None:
    """A notice is sent and is no effect."""
    house.say("1")
    house.open()
    house.record(notice="it broke")
    (row,) = house.store.outbox.list_recent(None, 10)
    assert (row.kind, row.text) == (TextKind.NOTICE, "it broke")
    assert not house.store.runs.get(RUN).has_effects


def test_record_frame_forgets_a_lost_session_and_says_so_once(house: Household) -> None:
    """A session the agent does not know is gone with its notice; one that was replaced since is left alone."""
    house.say("1")
    house.open()
    house.record(frame=1, session_id="old")
    house.record_lost("old", frame=2)
    assert house.store.sessions.get(COOKS).session_id is None
    house.record(frame=3, session_id="new")
    house.record_lost("old", frame=4)
    assert house.store.sessions.get(COOKS).session_id == "new"
    assert [row.text for row in house.store.outbox.list_recent(KITCHEN, 10)] == ["afresh"]
    codes = [event.code for event in house.store.events.list_recent(KITCHEN, 20)]
    assert codes.count(EventCode.SESSION_FORGOTTEN) == 1


def test_open_follow_up_takes_what_came_after_the_last_input(house: Household) -> None:
    """A follow-up holds the messages after the prompt, once, and only with a request among them (hazard B-11)."""
    house.say("1")
    house.open()
    runs = house.store.runs
    assert runs.open_follow_up(RUN, FOLLOW_UP, InputLimits(), NOON) is None
    house.say("2", "and also")
    prompt = runs.open_follow_up(RUN, FOLLOW_UP, InputLimits(), NOON)
    assert prompt is not None
    assert [m.content for m in prompt.messages] == ["and also"]
    assert runs.open_follow_up(RUN, FOLLOW_UP, InputLimits(), NOON) == prompt
    assert runs.open_follow_up(RUN, InputId("input-3"), InputLimits(), NOON) is None


def test_record_frame_remembers_an_answer_out_of_order(house: Household) -> None:
    """A follow-up answered before the prompt moves nothing until the prompt has its answer too."""
    house.say("1")
    house.open()
    house.say("2")
    assert house.store.runs.open_follow_up(RUN, FOLLOW_UP, InputLimits(), NOON) is not None
    house.record(frame=0, settles=(FOLLOW_UP,))
    assert house.progress().settled_seq == 0
    house.record(frame=1, settles=(PROMPT,))
    assert house.progress().settled_seq == 2


def test_open_follow_up_is_refused_when_the_run_has_ended(house: Household) -> None:
    """An ended run takes nothing; the message stays pending for the next one."""
    house.say("1")
    house.open()
    house.record(settles=(PROMPT,))
    house.end()
    house.say("2")
    assert house.store.runs.open_follow_up(RUN, FOLLOW_UP, InputLimits(), NOON) is None
    assert house.progress().has_pending


def test_list_recent_shows_the_newest_run_first(house: Household) -> None:
    """Lists are bounded and can be narrowed to a group."""
    for number in range(3):
        house.now = NOON + timedelta(seconds=number)
        house.say(f"m{number}")
        run_id, input_id = RunId(f"r{number}"), InputId(f"i{number}")
        house.open(run_id, input_id=input_id)
        house.record(run_id, settles=(input_id,))
        house.end(run_id)
    runs = house.store.runs
    assert [run.run_id for run in runs.list_recent(None, 2)] == ["r2", "r1"]
    assert [run.run_id for run in runs.list_recent(COOKS, 1)] == ["r2"]
    assert runs.list_recent(Folder("nobody"), 5) == []
    with pytest.raises(NotFound):
        runs.get(RunId("r9"))


def cancel(house: Household, key: str) -> None:
    """`/stop`."""
    house.store.sessions.cancel(
        COOKS, key=key, clears_session=False, runtime=None, model=None, reply=None, handled=None, now=house.now
    )
