"""`why`: every branch that answers, drops or delays a message leaves its code, and is told in words."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from intercomd.desk.why import Explanation, WhyDesk
from intercomd.desk.why_texts import WORDS
from intercomd.domain.events import EventCode
from intercomd.domain.ids import ChatJid, Folder, Generation, InputId, OutboxId, Seq
from intercomd.domain.outbox import NewText, OutboxRow, TextKind
from intercomd.domain.runs import Outcome
from intercomd.errors import InvalidInput, NotFound
from intercomd.store.opening import StoreSettings, open_store
from intercomd.store.ports import FrameWrite, InputLimits, RetryPolicy
from tests.store.household import COOKS, KITCHEN, ONE_RETRY, PROMPT, RUN, HouseClock, Household

NO_RETRY = RetryPolicy(())
OTHERS = ChatJid("local:others")


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Household]:
    """A store with the group `cooks`."""
    store = open_store(StoreSettings(assistant_name="Ada", main_folder="main", sqlite_path=tmp_path / "intercom.db"))
    yield Household(store)
    store.close()


def desk_of(house: Household, idle_reason: str | None = None) -> WhyDesk:
    return WhyDesk(house.store, HouseClock(house), ZoneInfo("Europe/Vienna"), lambda: idle_reason, has_scheduler=True)


def first_message(house: Household, idle_reason: str | None = None) -> Explanation:
    """What is said of the kitchen's first message."""
    return desk_of(house, idle_reason).explain_message(KITCHEN, Seq(1))


def say_context(house: Household) -> None:
    house.register(COOKS, KITCHEN, requires_trigger=True)
    house.say("m1", "nobody asked")


def say_unregistered(house: Household) -> None:
    house.store.groups.remove(COOKS, house.now)
    house.say("m1")


def say_blank(house: Household) -> None:
    house.say("m1", "  ")


def say_command(house: Household) -> None:
    house.say("m1", "/ping")


def answer_command(house: Household) -> None:
    house.say("m1", "/ping")
    reply = NewText(OutboxId(f"cmd:{KITCHEN}:1"), KITCHEN, TextKind.COMMAND, "Ada is online.")
    house.store.outbox.enqueue([reply], handled=(KITCHEN, Seq(1)), now=house.now)


def say_request(house: Household) -> None:
    house.say("m1")


def wait_behind_others(house: Household) -> None:
    house.register(Folder("others"), OTHERS)
    house.say("o1", chat_jid=OTHERS)
    house.now += timedelta(seconds=1)
    house.say("m1")


def start(house: Household) -> None:
    house.say("m1")
    house.open()


def follow_up(house: Household) -> None:
    house.say("m0")
    house.open()
    house.say("m1")
    house.store.runs.open_follow_up(RUN, InputId("i2"), InputLimits(), house.now)


def answer(house: Household) -> None:
    start(house)
    house.record(frame=1, replies=("Here.",), settles=(PROMPT,))
    house.end()


def answer_and_listen(house: Household) -> None:
    start(house)
    house.record(frame=1, replies=("Here.",), settles=(PROMPT,))


def be_silent(house: Household) -> None:
    start(house)
    write = FrameWrite(RUN, 1, Generation(0), settles=(PROMPT,), event=EventCode.RUN_SILENT)
    house.store.runs.record_frame(write, house.now)
    house.end()


def fail_after_reply(house: Household) -> None:
    start(house)
    house.record(frame=1, replies=("He",), settles=(PROMPT,))
    write = FrameWrite(RUN, 2, Generation(0), notice="cut off", event=EventCode.RUN_FRAME_FAILED)
    house.store.runs.record_frame(write, house.now)
    house.end(outcome=Outcome.FAILED)


def fail_once(house: Household) -> None:
    start(house)
    house.store.runs.end_run(RUN, Outcome.FAILED, "the agent exited with code 3", ONE_RETRY, house.now)


def fail_for_good(house: Household) -> None:
    start(house)
    house.store.runs.end_run(RUN, Outcome.FAILED, "the agent exited with code 3", NO_RETRY, house.now)


def drain(house: Household) -> None:
    start(house)
    house.end(outcome=Outcome.DRAINED)


def stop(house: Household) -> None:
    start(house)
    cancel(house)


def cancel(house: Household) -> None:
    house.store.sessions.cancel(
        COOKS, key="c1", clears_session=False, runtime=None, model=None, reply=None, handled=None, now=house.now
    )


def speak_too_late(house: Household) -> None:
    stop(house)
    house.record(frame=1, replies=("too late",), settles=(PROMPT,))


def replace_session(house: Household) -> None:
    start(house)
    house.store.sessions.replace(COOKS, "other", house.now)


def claimed_reply(house: Household) -> OutboxRow:
    answer(house)
    (row,) = house.claim()
    return row


def deliver(house: Household) -> None:
    house.store.outbox.record_sent([(claimed_reply(house).outbox_id, ())], house.now)


def be_refused(house: Household) -> None:
    house.store.outbox.record_failed(claimed_reply(house), "the chat is gone", house.now)


def be_put_off(house: Household) -> None:
    row = claimed_reply(house)
    house.store.outbox.postpone(row, house.now + timedelta(seconds=5), "the channel is busy", house.now)


def be_lost(house: Household) -> None:
    house.store.outbox.record_unknown(claimed_reply(house), "no answer", resends=False, now=house.now)


def be_sent_again(house: Household) -> None:
    house.store.outbox.record_unknown(claimed_reply(house), "no answer", resends=True, now=house.now)


def grow_old(house: Household) -> None:
    answer(house)
    house.store.outbox.expire(house.now + timedelta(days=1), house.now)


BRANCHES: dict[Callable[[Household], object], tuple[EventCode, str]] = {
    say_context: (EventCode.MESSAGE_CONTEXT, "It asks for no answer: it does not call the assistant"),
    say_unregistered: (EventCode.MESSAGE_UNREGISTERED, "the chat is no registered group"),
    say_blank: (EventCode.MESSAGE_BLANK, "it has no text"),
    say_command: (EventCode.MESSAGE_COMMAND, "a command that waits for its answer"),
    answer_command: (EventCode.MESSAGE_COMMAND, "a command; its text waits for delivery"),
    say_request: (EventCode.MESSAGE_REQUEST, "waits for a slot behind 0 other groups"),
    wait_behind_others: (EventCode.MESSAGE_REQUEST, "waits for a slot behind 1 other group;"),
    start: (EventCode.RUN_OPENED, "Run run-1 has been at work on it since 2026-01-31 13:00:00 CET"),
    answer_and_listen: (EventCode.RUN_REPLIED, "answered it; its text waits for delivery. Its agent waits for more."),
    answer: (EventCode.RUN_REPLIED, "Run run-1 answered it; its text waits for delivery"),
    be_silent: (EventCode.RUN_SILENT, "had nothing to say"),
    fail_after_reply: (EventCode.RUN_FRAME_FAILED, "2 of its 2 texts wait for delivery"),
    fail_once: (EventCode.RUN_RETRY, "(the agent exited with code 3). The next try is at 2026-01-31 13:00:05 CET"),
    fail_for_good: (EventCode.RUN_GAVE_UP, "failed (the agent exited with code 3) and is not tried again"),
    drain: (EventCode.RUN_PENDING, "ended without an answer (drained). It waits for a slot"),
    stop: (EventCode.GROUP_CANCELLED, "was stopped by a command"),
    speak_too_late: (EventCode.RUN_SUPERSEDED, "was stopped by a command"),
    replace_session: (EventCode.SESSION_REPLACED, "waits for a slot"),
    deliver: (EventCode.TEXT_SENT, "its text was delivered"),
    be_refused: (EventCode.TEXT_FAILED, "could not be delivered: the chat is gone"),
    be_put_off: (EventCode.TEXT_POSTPONED, "waits for delivery: the channel is busy"),
    be_lost: (EventCode.TEXT_UNKNOWN, "may or may not have arrived: no answer"),
    be_sent_again: (EventCode.TEXT_RESENT, "waits for delivery: no answer"),
    grow_old: (EventCode.TEXT_EXPIRED, "could not be delivered: expired"),
}


@pytest.mark.parametrize("branch", BRANCHES, ids=lambda branch: branch.__name__)
def test_why_finds_the_code_and_the_standing_of_every_branch(
    house: Household, branch: Callable[[Household], object]
) -> None:
    """What drops or delays a message, and what answers it, is recorded under its code and said in words."""
    code, standing = BRANCHES[branch]
    branch(house)
    found = first_message(house)
    assert code in {step.code for step in found.steps}
    assert standing in found.standing


def test_why_knows_the_run_that_took_a_message_up_later(house: Household) -> None:
    """A message handed to a running agent belongs to that run."""
    follow_up(house)
    found = desk_of(house).explain_message(KITCHEN, Seq(2))
    assert {step.code for step in found.steps} >= {EventCode.MESSAGE_REQUEST, EventCode.RUN_FOLLOW_UP}
    assert "Run run-1 has been at work on it" in found.standing


def test_why_says_that_nothing_runs_here(house: Household) -> None:
    """A daemon that is idle says so instead of counting groups."""
    say_request(house)
    found = first_message(house, "orchestrator.enabled is false in the settings")
    assert found.standing.endswith("nothing runs at present: orchestrator.enabled is false in the settings.")


def test_why_says_that_the_limits_left_a_message_out(house: Household) -> None:
    """An old message that did not fit into the prompt is not passed off as read."""
    for number in range(3):
        house.say(f"m{number}")
    house.open(limits=InputLimits(messages=1))
    house.record(frame=1, replies=("Here.",), settles=(PROMPT,))
    house.end()
    assert "The limits of a prompt left its text out." in first_message(house).standing


def test_why_orders_steps_by_time(house: Household) -> None:
    """The chain reads from the message to the delivered text."""
    deliver(house)
    steps = first_message(house).steps
    assert [step.at for step in steps] == sorted(step.at for step in steps)
    assert steps[0].code == EventCode.MESSAGE_REQUEST
    assert steps[-1].code in {EventCode.TEXT_SENT, EventCode.RUN_ENDED}


def test_why_takes_a_message_a_chat_and_a_folder(house: Household) -> None:
    """All three lead to the same message."""
    say_request(house)
    desk = desk_of(house)
    subjects = {desk.explain(about).subject for about in (f"{KITCHEN}#1", KITCHEN, COOKS)}
    assert subjects == {"local:kitchen#1 “hello” by Uma"}


def test_why_passes_over_commands_when_it_is_asked_for_a_chat(house: Household) -> None:
    """`/why` asks about the message before it."""
    say_request(house)
    house.say("m2", "/ping")
    assert desk_of(house).explain(KITCHEN).subject.startswith("local:kitchen#1 ")


@pytest.mark.parametrize("about", ["local:nowhere", "local:kitchen#99", "no-such-task"])
def test_why_refuses_what_does_not_exist(house: Household, about: str) -> None:
    """Nothing is made up."""
    with pytest.raises(NotFound):
        desk_of(house).explain(about)


def test_why_refuses_what_is_no_message(house: Household) -> None:
    """With what is allowed."""
    with pytest.raises(InvalidInput, match="JID#SEQ"):
        desk_of(house).explain("local:kitchen#x")


def test_every_code_has_words() -> None:
    """No step shows a bare code to people."""
    assert [code for code in EventCode if code not in WORDS] == []


