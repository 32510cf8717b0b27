"""claude, codex and gemini as they are, in bubblewrap without network, through the model gateway, at our stub."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from intercomd.agent.tools import TOOLS
from intercomd.clock import SystemClock
from intercomd.domain.frames import TurnEnded
from intercomd.domain.ids import InputId
from intercomd.sandbox.bubblewrap import BubblewrapEngine
from tests.agent.real import FOLDER, RUNTIMES, SHELLS, RealAgents, real_agents
from tests.agent.tool_host import ToolHost
from tests.support.provider import Call, Drop, FakeProvider, Hang, Refuse, Say, Wait

pytestmark = pytest.mark.full
every_program = pytest.mark.parametrize("runtime", RUNTIMES)
LONG_SILENCE = timedelta(seconds=2)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[tuple[RealAgents, FakeProvider]]:
    with real_agents(tmp_path, BubblewrapEngine(SystemClock())) as world:
        yield world


@pytest.fixture
def agents(world: tuple[RealAgents, FakeProvider]) -> RealAgents:
    return world[0]


@pytest.fixture
def provider(world: tuple[RealAgents, FakeProvider]) -> FakeProvider:
    return world[1]


@every_program
def test_turn_runs_a_tool_streams_and_is_gone_on_with_after_the_run(
    agents: RealAgents, provider: FakeProvider, runtime: str
) -> None:
    """A command runs in the group's folder, the reply is streamed and comes whole, and the next run knows of it."""
    tool, argument = SHELLS[runtime]
    provider.script(Call(tool, {argument: "pwd > made.txt"}), Say("hellö 🙂 world", pieces=3))
    first = agents.run(runtime, "make a file")
    assert first.wait().exit_code == 0
    assert (agents.group_dir / "made.txt").read_text() == "/workspace/group\n"
    assert first.replies == ["hellö 🙂 world"] and "".join(first.streamed) == "hellö 🙂 world"
    assert len(first.streamed) == (1 if runtime == "codex" else 3)
    assert len(first.tools) == 1
    (end,) = [frame for frame in first.frames if isinstance(frame, TurnEnded)]
    assert end.usage is not None and end.usage.input_tokens == 22 and end.usage.output_tokens == 10

    provider.script(Say("again"))
    second = agents.run(runtime, "and now?", session_id=first.session_id)
    assert second.replies == ["again"] and second.session_id == first.session_id
    assert "make a file" in provider.requests[-1].text and "hellö 🙂 world" in provider.requests[-1].text


@every_program
def test_program_is_told_who_it_is_and_what_is_remembered(
    agents: RealAgents, provider: FakeProvider, runtime: str
) -> None:
    """Name, the group's memory and the one of all groups are before every model (B-116, B-119), once each, and a
    scheduled prompt says that it is one."""
    agents.group_dir.mkdir(parents=True)
    agents.global_dir.mkdir()
    (agents.group_dir / "CLAUDE.md").write_text("The group likes kumquats.")
    (agents.global_dir / "CLAUDE.md").write_text("Everybody likes rhubarb.")
    agents.run(runtime, "water the plants", is_task=True)
    asked = provider.requests[0].text
    assert "You are Amtiskaw" in asked and "[SCHEDULED TASK - " in asked and "water the plants" in asked
    assert (asked.count("kumquats"), asked.count("rhubarb")) == (1, 1)


@every_program
def test_tools_of_the_assistant_are_offered_and_called(
    agents: RealAgents, provider: FakeProvider, tmp_path: Path, runtime: str
) -> None:
    """All of them are before the model (B-119); a call reaches the host, and its answer the model."""
    question = "ask_people" if runtime == "gemini" else "ask_user"
    provider.script(
        Call("send_message", {"text": "half done"}),
        Call("schedule_task", {"prompt": "p", "schedule_type": "interval", "schedule_value": "60000"}),
        Call(question, {"question": "Which?", "choices": ["a", "b"]}),
        Say("done"),
    )
    with ToolHost(tmp_path / "data/ipc" / FOLDER) as host:
        host.rules["ask_user"] = lambda query: ("ok", "they chose b")
        run = agents.run(runtime)
    assert run.replies == ["done"]
    assert [query["type"] for query in host.queries.values] == ["send_message", "schedule_task", "ask_user"]
    assert "they chose b" in provider.requests[-1].text
    offered = {name.rpartition("intercom_")[2].removeprefix("_") for name in provider.requests[0].tools}
    assert {tool.name for tool in TOOLS} - {"ask_user"} | {question} <= offered


@every_program
def test_credential_stays_with_the_host(agents: RealAgents, provider: FakeProvider, runtime: str) -> None:
    """The provider sees the real key, and the agent's shell finds none."""
    tool, argument = SHELLS[runtime]
    provider.script(Call(tool, {argument: "cat /proc/*/environ > all.txt; env >> all.txt"}))
    agents.run(runtime)
    shown = provider.requests[0].headers
    real_key = shown.get("x-api-key") or shown.get("x-goog-api-key") or shown.get("authorization", "")
    assert real_key.endswith("-real")
    seen = (agents.group_dir / "all.txt").read_text()
    assert "via-gateway" in seen and "-real" not in seen


@every_program
def test_unknown_session_is_told_and_begun_anew(agents: RealAgents, provider: FakeProvider, runtime: str) -> None:
    """The conversation goes on without what is gone."""
    gone = "00000000-0000-4000-8000-000000000000"
    provider.script(Say("hello"))
    run = agents.run(runtime, session_id=gone)
    assert run.lost_sessions == [gone]
    assert run.replies == ["hello"] and run.session_id != gone


@every_program
def test_refused_credential_is_a_final_failure(agents: RealAgents, provider: FakeProvider, runtime: str) -> None:
    """401 is no answer, and no reason to try again; the gateway's advice comes through as it is."""
    provider.otherwise = Refuse(401, "the key is bad")
    run = agents.run(runtime)
    assert run.failure.is_final and run.failure.notice is not None
    assert run.failure.notice.startswith("the provider refused the credential")
    assert run.failure.notice.endswith("put a valid one there")
    assert run.wait().exit_code == 1


@every_program
def test_too_many_requests_is_a_failure_that_passes(agents: RealAgents, provider: FakeProvider, runtime: str) -> None:
    """429 is no answer; trying again later helps."""
    provider.otherwise = Refuse(429, "slow down", {"retry-after": "1"})
    run = agents.run(runtime)
    assert "429" in (run.failure.notice or "") + run.failure.error and not run.failure.is_final


@every_program
def test_provider_that_hangs_up_gives_no_half_answer(agents: RealAgents, provider: FakeProvider, runtime: str) -> None:
    """What was streamed before the connection broke is not passed off as the reply."""
    provider.otherwise = Drop("half of it")
    run = agents.run(runtime)
    assert run.failure.notice and not run.failure.is_final


@every_program
def test_provider_that_says_nothing_is_given_up(agents: RealAgents, provider: FakeProvider, runtime: str) -> None:
    """The agent's own time-out is before the host's."""
    provider.otherwise = Hang("well")
    run = agents.run(runtime, silence=LONG_SILENCE)
    assert "had nothing from" in run.failure.error and not run.failure.is_final


@every_program
def test_follow_up_is_a_turn_of_the_same_run(agents: RealAgents, provider: FakeProvider, runtime: str) -> None:
    """The next text goes into the same session, and the sentinel ends the program."""
    provider.script(Say("one"), Say("two"))
    run = agents.start(runtime, "first")
    run.wait_for_turns(1)
    run.sandbox.follow_up(InputId("follow-up"), "second")
    run.wait_for_turns(2)
    run.sandbox.close_input()
    assert run.wait().exit_code == 0
    assert run.replies == ["one", "two"] and not run.lost_sessions
    assert "first" in provider.requests[-1].text and "second" in provider.requests[-1].text


@every_program
def test_follow_up_while_it_works_is_not_lost(agents: RealAgents, provider: FakeProvider, runtime: str) -> None:
    """Whichever turn takes it, its input is answered and the model has read it (B-115)."""
    released = threading.Event()
    provider.script(Wait(released, "one"), Say("two"))
    run = agents.start(runtime, "first")
    provider.arrived.wait_for_count(1)
    run.sandbox.follow_up(InputId("follow-up"), "no, the other one")
    released.set()
    run.wait_for_turns(2)
    run.sandbox.close_input()
    run.wait()
    answered = [frame.answers for frame in run.frames if isinstance(frame, TurnEnded)]
    assert answered == [("input-1",), ("follow-up",)]
    assert run.replies == ["one", "two"] and "no, the other one" in provider.requests[-1].text


def test_claude_reads_a_follow_up_between_two_steps_of_its_work(agents: RealAgents, provider: FakeProvider) -> None:
    """A correction that comes in time changes the turn in hand, and one result answers both texts (B-115)."""
    provider.script(Call("Bash", {"command": "true"}), Say("both done"))
    run = agents.start("claude", "first")
    run.sandbox.follow_up(InputId("follow-up"), "no, the other one")
    run.wait_for_turns(1)
    run.sandbox.close_input()
    run.wait()
    assert run.replies == ["both done"]
    assert [frame.answers for frame in run.frames if isinstance(frame, TurnEnded)] == [("input-1", "follow-up")]
    assert "no, the other one" in provider.requests[1].text
