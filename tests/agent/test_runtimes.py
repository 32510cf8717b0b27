"""The agent program with programs that are played by a few lines each: turns, follow-ups, failures, ends.

The real programs run in test_real_programs.py; here is what they would do only on a bad day.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from intercomd.domain.frames import AgentFailed, Announcement, Frame, Noise, Result, TextDelta, TurnEnded, parse_frame
from intercomd.sandbox.agent_program import AGENT_DIRECTORY
from intercomd.sandbox.framing import BlockParser
from tests.sandbox.harness import assert_dies
from tests.support.waiting import DEADLINE_SECONDS

ARGV = (sys.executable, "-I", "-S", "-B", "-W", "error", str(AGENT_DIRECTORY / "__main__.py"))
PRELUDE = f"""#!{sys.executable} -S
import json, os, sys, time
def put(**line):
    print(json.dumps(line), flush=True)
def note(**what):
    with open("calls.jsonl", "a") as file:
        file.write(json.dumps(what) + "\\n")
"""
CODEX = """
text = sys.stdin.read()
resumed = sys.argv[sys.argv.index("resume") + 1] if "resume" in sys.argv else None
note(text=text, resumed=resumed)
def answer(reply):
    put(type="thread.started", thread_id="t1")
    put(type="item.completed", item={"type": "agent_message", "id": "1", "text": reply})
    put(type="turn.completed", usage={})
"""
CLAUDE = """
note(argv=sys.argv[1:])
def take():
    message = json.loads(sys.stdin.readline() or "null")
    if message is None:
        sys.exit(0)
    return message["message"]["content"], message["uuid"]
def begin(key):
    put(type="system", subtype="init", session_id="c1")
    put(type="user", isReplay=True, uuid=key)
def answer(reply):
    put(type="result", subtype="success", is_error=False, result=reply)
"""


class Place:
    """Folders of a run, a program in them, and what the agent said."""

    def __init__(self, root: Path) -> None:
        self.inbox, self.group, self.bin = root / "input", root / "group", root / "bin"
        for folder in (self.inbox, self.group, self.bin):
            folder.mkdir()
        self._output = root / "stdout"
        self._environment = {
            "PATH": f"{self.bin}:/usr/bin:/bin",
            "HOME": str(root / "home"),
            "INTERCOM_INPUT_DIR": str(self.inbox),
            "INTERCOM_GROUP_DIR": str(self.group),
            "INTERCOM_GLOBAL_DIR": str(root / "global"),
            "INTERCOM_GATEWAY_SOCKET": str(root / "gateway.sock"),
        }
        self.exit_code: int | None = None

    def play(self, program: str, code: str) -> None:
        path = self.bin / program
        path.write_text(PRELUDE + code)
        path.chmod(0o755)

    def put_follow_up(self, number: int, text: str) -> None:
        body = json.dumps({"type": "message", "text": text, "inputId": f"f{number}"})
        (self.inbox / f"{number:03d}.json").write_text(body)

    def start(self, runtime: str, **request: Any) -> subprocess.Popen[bytes]:
        """An agent that was given its input."""
        fields = {"prompt": "first", "inputId": "i1", "runtime": runtime, **request}
        with self._output.open("wb") as output:
            process = subprocess.Popen(
                ARGV, stdin=subprocess.PIPE, stdout=output, env=self._environment, start_new_session=True
            )
        assert process.stdin
        process.stdin.write(json.dumps(fields).encode())
        process.stdin.close()
        return process

    def run(self, runtime: str, *, timeout_ms: int = 60_000, **request: Any) -> list[Frame]:
        """The frames of an agent that is told to close once it has nothing in hand; nothing of it is left."""
        (self.inbox / "_close").touch()
        process = self.start(runtime, timeoutMs=timeout_ms, **request)
        process.wait(DEADLINE_SECONDS)
        self.exit_code = process.returncode
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        parser = BlockParser()
        blocks = parser.feed(self._output.read_bytes()) + parser.close()
        return [block if isinstance(block, Noise) else parse_frame(block) for block in blocks]

    @property
    def calls(self) -> list[Any]:
        """What the program noted about each of its starts."""
        return [json.loads(line) for line in (self.group / "calls.jsonl").read_text().splitlines()]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def answered(frames: list[Frame]) -> list[tuple[str, tuple[str, ...] | None]]:
    return [(frame.text, frame.answers) for frame in frames if isinstance(frame, Result)]


def failure(frames: list[Frame]) -> AgentFailed:
    (failed,) = [frame for frame in frames if isinstance(frame, AgentFailed)]
    assert frames[-1] == failed
    return failed


def test_follow_up_of_a_program_that_takes_none_is_the_next_turn_of_its_session(place: Place) -> None:
    """What comes while it works is neither lost nor without context (B-115, B-116)."""
    place.play("codex", CODEX + "answer('re: ' + text)")
    place.put_follow_up(1, "no, the other file")
    frames = place.run("codex")
    assert answered(frames) == [("re: first", ("i1",)), ("re: no, the other file", ("f1",))]
    assert [call["resumed"] for call in place.calls] == [None, "t1"]
    assert place.exit_code == 0


def test_follow_up_that_claude_takes_in_time_is_answered_with_the_request(place: Place) -> None:
    """The program says which texts a result is about, and the host learns it (B-115)."""
    both = """
first, first_key = take()
begin(first_key)
second, second_key = take()
put(type="user", isReplay=True, uuid=second_key)
answer(first + " and " + second)
take()
"""
    place.play("claude", CLAUDE + both)
    place.put_follow_up(1, "second")
    frames = place.run("claude")
    assert answered(frames) == [("first and second", ("i1", "f1"))]
    assert [frame.answers for frame in frames if isinstance(frame, TurnEnded)] == [("i1", "f1")]
    assert place.exit_code == 0


def test_follow_up_that_comes_too_late_for_a_turn_of_claude_opens_the_next(place: Place) -> None:
    """Two turns, each with its own end, on one process."""
    late = """
first, first_key = take()
begin(first_key)
second, second_key = take()
answer("re: " + first)
begin(second_key)
answer("re: " + second)
take()
"""
    place.play("claude", CLAUDE + late)
    place.put_follow_up(1, "second")
    assert answered(place.run("claude")) == [("re: first", ("i1",)), ("re: second", ("f1",))]
    assert len(place.calls) == 1


def test_unknown_session_of_claude_begins_a_new_one_with_the_same_text(place: Place) -> None:
    """The host is told which session is gone before the answer in the new one."""
    forgetful = """
text, key = take()
if "--resume" in sys.argv:
    error = "No conversation found with session ID: old"
    put(type="result", subtype="error_during_execution", is_error=True, errors=[error])
    sys.exit(1)
begin(key)
answer("re: " + text)
take()
"""
    place.play("claude", CLAUDE + forgetful)
    frames = place.run("claude", sessionId="old")
    assert [type(frame).__name__ for frame in frames] == ["Announcement", "SessionLost", "Result", "TurnEnded"]
    assert answered(frames) == [("re: first", ("i1",))]


@pytest.mark.parametrize("session_id", ["--dangerous", "../x", "", 7, "x" * 200])
def test_session_id_that_no_program_makes_is_not_given_to_one(place: Place, session_id: object) -> None:
    """What comes back from the store is no option of a command line."""
    place.play("codex", CODEX + "answer('hi')")
    place.run("codex", sessionId=session_id)
    assert place.calls[0]["resumed"] is None


def test_program_that_tries_again_without_end_is_ended(place: Place) -> None:
    """Its own signs of life do not count as progress (B-60), and what it said last is the reason."""
    code = """
while True:
    put(type="error", message="Reconnecting... waiting for network")
    time.sleep(0.01)
"""
    place.play("codex", CODEX + code)
    failed = failure(place.run("codex", timeout_ms=300))
    assert failed.error == "codex had nothing from OpenAI for 0.3 s: Reconnecting... waiting for network"
    assert failed.notice == "codex had nothing from OpenAI for 0.3 s." and not failed.is_final
    assert place.exit_code == 1


def test_claude_that_says_nothing_is_ended(place: Place) -> None:
    """All it was given stays unanswered."""
    place.play("claude", CLAUDE + "begin(take()[1])\nput(type='system', subtype='api_retry')\ntime.sleep(3600)")
    failed = failure(place.run("claude", timeout_ms=300))
    assert "nothing from Anthropic for 0.3 s" in failed.error and failed.answers == ("i1",)


@pytest.mark.parametrize("runtime", ["claude", "codex", "gemini"])
def test_program_that_is_not_there_is_told_once_and_for_all(place: Place, runtime: str) -> None:
    """Trying again would not install it."""
    failed = failure(place.run(runtime))
    assert failed.is_final and failed.notice is not None
    assert failed.notice.startswith(f"{runtime} cannot be started here: there is no {runtime}; scripts/agents ")
    assert place.exit_code == 1


@pytest.mark.parametrize("runtime", ["claude", "codex", "gemini"])
def test_program_that_dies_is_quoted(place: Place, runtime: str) -> None:
    """The end of its error stream is the error, cut and not final."""
    place.play(runtime, "sys.stderr.write('x' * 100_000 + 'segment fault\\n')\nsys.exit(3)")
    failed = failure(place.run(runtime))
    assert failed.error.endswith("segment fault") and len(failed.error) <= 4000
    assert not failed.is_final and failed.answers == ("i1",)


def test_program_that_reads_nothing_gets_a_large_prompt_all_the_same(place: Place) -> None:
    """A full pipe blocks nobody (B-61)."""
    said = "put(type='item.completed', item={'type': 'agent_message', 'text': 'x' * 200_000})"
    place.play("codex", f"{said}\nsys.exit(1)")
    frames = place.run("codex", prompt="y" * 1_000_000)
    assert any(isinstance(frame, TextDelta) and len(frame.text) == 200_000 for frame in frames)
    assert failure(frames).answers == ("i1",)


def test_end_of_the_turn_counts_though_the_program_then_fails_or_leaves_a_child(place: Place) -> None:
    """An answer is an answer; a child that holds the streams open is not waited for."""
    place.play("codex", CODEX + "answer('hi')\nif os.fork() == 0:\n    time.sleep(3600)\nos._exit(7)")
    assert answered(place.run("codex")) == [("hi", ("i1",))]
    assert place.exit_code == 0


@pytest.mark.parametrize("runtime", ["claude", "codex"])
def test_program_dies_with_the_group_of_the_agent(place: Place, runtime: str) -> None:
    """Who kills the agent's process group needs to know of no other (B-61)."""
    os.mkfifo(place.group / "pid")
    place.play(runtime, "with open('pid', 'w') as file:\n    file.write(str(os.getpid()))\ntime.sleep(3600)")
    with place.start(runtime) as agent:
        pid = int((place.group / "pid").read_text())
        os.killpg(agent.pid, signal.SIGKILL)
        assert_dies(pid)


def test_scheduled_prompt_says_that_nobody_sent_it(place: Place) -> None:
    """The words are those of the existing system; a follow-up has none."""
    place.play("codex", CODEX + "answer('hi')")
    place.put_follow_up(1, "and you?")
    place.run("codex", isScheduledTask=True)
    first, second = (call["text"] for call in place.calls)
    assert first.startswith("[SCHEDULED TASK - ") and first.endswith("]\n\nfirst")
    assert second == "and you?"


def test_announcement_names_the_model_as_the_provider_knows_it(place: Place) -> None:
    """A short name becomes the provider's own, other names stay."""
    frames = place.run("gemini", model="gemini-3.1-pro")
    assert frames[0] == Announcement(2, "gemini-3.1-pro-preview", None)
    assert place.run("gemini", model="gemini-9")[0] == Announcement(2, "gemini-9", None)


def test_link_in_the_home_is_replaced_and_not_followed(place: Place, tmp_path: Path) -> None:
    """What an earlier run left in its home is no way to write elsewhere (B-46)."""
    victim = tmp_path / "victim"
    victim.write_text("untouched")
    (tmp_path / "home/.codex").mkdir(parents=True)
    (tmp_path / "home/.codex/config.toml").symlink_to(victim)
    place.play("codex", CODEX + "answer('hi')")
    place.run("codex")
    assert victim.read_text() == "untouched"
    assert "intercom" in (tmp_path / "home/.codex/config.toml").read_text()


def test_unknown_runtime_is_refused(place: Place) -> None:
    """Like any other unusable input."""
    assert place.run("llama") == []
    assert place.exit_code == 2
