"""The agent program with the echo runtime, run as the process it is."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from intercomd.domain.frames import (
    AgentFailed,
    Announcement,
    Frame,
    Noise,
    Result,
    TextDelta,
    ToolStarted,
    TurnEnded,
    parse_frame,
)
from intercomd.sandbox.agent_program import AGENT_DIRECTORY
from intercomd.sandbox.framing import BlockParser
from tests.agent.tool_host import ToolHost
from tests.support.waiting import DEADLINE_SECONDS

ARGV = (sys.executable, "-I", "-S", "-B", "-W", "error", str(AGENT_DIRECTORY / "__main__.py"))


class Agent:
    """A directory for its input, and what came of a run."""

    def __init__(self, inbox: Path) -> None:
        self.inbox = inbox
        self.stdout = b""
        self.stderr = b""
        self.exit_code: int | None = None
        inbox.mkdir()

    def write(self, name: str, content: object) -> None:
        (self.inbox / name).write_text(content if isinstance(content, str) else json.dumps(content))

    def start(self) -> subprocess.Popen[bytes]:
        environment = {"INTERCOM_INPUT_DIR": str(self.inbox), "INTERCOM_IPC_DIR": str(self.inbox.parent / "ipc")}
        pipe = subprocess.PIPE
        return subprocess.Popen(ARGV, stdin=pipe, stdout=pipe, stderr=pipe, env=environment, start_new_session=True)

    def run(self, text: str, **request: Any) -> list[Frame]:
        """The frames of a run that is told to close after its first turn."""
        self.write("_close", "")
        escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        older, newest = (f'<message sender="A" time="T">{content}</message>' for content in ("old", escaped))
        prompt = f"<messages>\n{older}\n{newest}\n</messages>"
        return self.run_raw(json.dumps({"prompt": prompt, "inputId": "i1", "sessionId": "s1", **request}).encode())

    def run_raw(self, stdin: bytes) -> list[Frame]:
        with self.start() as process:
            self.stdout, self.stderr = process.communicate(stdin, DEADLINE_SECONDS)
        self.exit_code = process.returncode
        parser = BlockParser()
        blocks = parser.feed(self.stdout) + parser.close()
        return [block if isinstance(block, Noise) else parse_frame(block) for block in blocks]


@pytest.fixture
def agent(tmp_path: Path) -> Agent:
    return Agent(tmp_path / "input")


ANNOUNCED = Announcement(2, "echo", None)
ENDED = TurnEnded("s1", ("i1",))  # type: ignore[arg-type]


def said(text: str) -> Result:
    return Result(text, "s1", ("i1",))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("hello <b> & 'you' 🙂", [said("hello <b> & 'you' 🙂")]),
        ("two\n  lines", [said("two\n  lines")]),
        ("hi !unknown", [said("hi !unknown")]),
        ("!slow soon", [said("!slow soon")]),
        ("!slow 0.01 hi", [said("hi")]),
        ("!stream 1234567890", [TextDelta("12345678"), TextDelta("90"), said("1234567890")]),
        ("!stream !slow 0.01 1234567890", [TextDelta("12345678"), TextDelta("90"), said("1234567890")]),
        ("!tool Bash ls hi", [ToolStarted("Bash", "ls"), said("hi")]),
        ("!internal hi", [said("<internal>I was told to think first.</internal>hi")]),
        ("!twice hi", [said("hi"), said("hi")]),
        ("!silent hi", []),
        ("!silent", []),
        ("!slow 0", [said("!slow 0")]),
        ("!big 3 hi", [said("hi")]),
        ("!invalid-utf8 hi", [TextDelta("caf\N{REPLACEMENT CHARACTER}"), said("hi")]),
        ("!call", [said("!call")]),
        ("!call list_tasks", [said("!call list_tasks")]),
        ("!call list_tasks [] hi", [said("!call list_tasks [] hi")]),
        ("---INTERCOM_OUTPUT_END---", [said("---INTERCOM_OUTPUT_END---")]),
        ("\\---INTERCOM_OUTPUT_START---", [said("\\---INTERCOM_OUTPUT_START---")]),
    ],
)
def test_turn_shows_what_it_was_told(agent: Agent, text: str, spoken: list[Frame]) -> None:
    """The newest message is repeated, its directives are obeyed, and the turn has its end."""
    assert agent.run(text) == [ANNOUNCED, *spoken, ENDED]
    assert (agent.exit_code, agent.stderr) == (0, b"")


def test_tools_are_called_and_their_answers_end_the_reply(agent: Agent, tmp_path: Path) -> None:
    """`!call` goes to the host as the MCP server's calls do; a refusal and a wrong call are shown as errors."""
    with ToolHost(tmp_path / "ipc") as host:
        host.rules["list_tasks"] = lambda query: ("ok", "[]")
        host.rules["cancel_task"] = lambda query: ("error", "there is no task t 1")
        frames = agent.run('!call list_tasks {} now !call cancel_task {"task_id": "t 1"} !call pause_task {}')
    assert frames == [
        ANNOUNCED,
        said(
            "now\nlist_tasks ok: []\ncancel_task error: there is no task t 1\n"
            "pause_task error: nothing was done: pause_task was called wrongly:\ntask_id: is missing"
        ),
        ENDED,
    ]
    assert [query["params"] for query in host.queries.values] == [{}, {"task_id": "t 1"}]


def test_failure_is_reported_with_its_reason(agent: Agent) -> None:
    """`!fail` gives an error frame and exit code 1."""
    failed = AgentFailed("out of words", "s1", ("i1",))  # type: ignore[arg-type]
    assert agent.run("x !fail out of words") == [ANNOUNCED, failed]
    assert agent.exit_code == 1


def test_crash_after_the_reply(agent: Agent) -> None:
    """`!crash-after` replies, has no end of turn, and exits with code 1."""
    assert agent.run("!crash-after hi") == [ANNOUNCED, said("hi")]
    assert agent.exit_code == 1


def test_exit_at_once(agent: Agent) -> None:
    """`!exit N` says nothing more."""
    assert agent.run("!exit 3") == [ANNOUNCED]
    assert agent.exit_code == 3


def test_half_a_frame(agent: Agent) -> None:
    """`!half` ends inside a frame, with exit code 0."""
    frames = agent.run("!half")
    assert frames[0] == ANNOUNCED and isinstance(frames[1], Noise) and len(frames) == 2
    assert agent.exit_code == 0


def test_garbage_is_no_frame(agent: Agent) -> None:
    """`!garbage` prints what no reader can use, and the reply after it."""
    frames = agent.run("!garbage hi")
    assert [frame for frame in frames if not isinstance(frame, Noise)] == [ANNOUNCED, said("hi"), ENDED]
    assert len(frames) == 6


def test_error_stream_is_written(agent: Agent) -> None:
    """`!stderr N` writes N bytes."""
    agent.run("!stderr 100000 hi")
    assert agent.stderr == b"e" * 100_000


def test_noise_is_written(agent: Agent) -> None:
    """`!big N` prints N megabytes outside of blocks."""
    agent.run("!big 2")
    assert len(agent.stdout) > 2_000_000


@pytest.mark.parametrize("text", ["!hang", "!fork hi"])
def test_process_that_stays_is_there_until_it_is_killed(agent: Agent, text: str) -> None:
    """`!hang` never answers; `!fork` leaves a child that holds the streams open. Both end with their group."""
    if text == "!fork hi":
        agent.write("_close", "")
    with agent.start() as process:
        assert process.stdin and process.stdout
        process.stdin.write(json.dumps({"prompt": text, "inputId": "i1"}).encode())
        process.stdin.close()
        marker = b"turnEnded" if text == "!fork hi" else b'"echo"'
        while marker not in process.stdout.readline():
            pass
        os.killpg(process.pid, signal.SIGKILL)
        rest = process.stdout.read()
    assert b"START" not in rest


def test_follow_ups_are_turns_of_their_own(agent: Agent) -> None:
    """What waits in the input directory is taken in name order, each under its own id and in the same session."""
    for number in (2, 1, 3):
        agent.write(f"000{number}-x.json", {"type": "message", "text": f"t{number}", "inputId": f"f{number}"})
    frames = agent.run("first")
    assert [(f.text, f.answers, f.session_id) for f in frames if isinstance(f, Result)] == [
        ("first", ("i1",), "s1"),
        ("t1", ("f1",), "s1"),
        ("t2", ("f2",), "s1"),
        ("t3", ("f3",), "s1"),
    ]
    assert sum(isinstance(frame, TurnEnded) for frame in frames) == 4


def test_unusable_follow_up_is_passed_over(agent: Agent) -> None:
    """A broken file costs itself only, and drafts are not read."""
    agent.write("0001-x.json", "{")
    agent.write("0002-x.json", [1])
    agent.write("0003-x.tmp", {"text": "draft"})
    agent.write("0004-x.json", {"type": "message", "text": "good", "inputId": "f4"})
    assert [frame.text for frame in agent.run("first") if isinstance(frame, Result)] == ["first", "good"]
    assert b"0001-x.json" in agent.stderr and b"0002-x.json" in agent.stderr


def test_prompt_of_a_scheduled_task_says_that_nobody_wrote_it(agent: Agent) -> None:
    """The first prompt only; the words are those that agents know (original.md §9.8)."""
    agent.write("_close", "")
    request = {"prompt": "the bins", "inputId": "i1", "sessionId": "s1", "isScheduledTask": True}
    (_, result, _) = agent.run_raw(json.dumps(request).encode())
    assert isinstance(result, Result)
    assert result.text.startswith("[SCHEDULED TASK - The following message was sent automatically")
    assert result.text.endswith("]\n\nthe bins")


def test_session_is_made_when_none_is_given(agent: Agent) -> None:
    """A run without a session gets a new id, another one each time."""
    sessions = set()
    for _ in range(2):
        (result,) = [frame for frame in agent.run("hi", sessionId=None) if isinstance(frame, Result)]
        sessions.add(result.session_id)
    assert len(sessions) == 2 and None not in sessions


def test_agent_ends_when_its_input_directory_is_gone(agent: Agent) -> None:
    """An agent whose host removed the run does not wait for ever."""
    agent.inbox.rmdir()
    assert agent.run_raw(b'{"prompt":"hi"}')[-1] == TurnEnded(*_session_of(agent), ())
    assert agent.exit_code == 0


@pytest.mark.parametrize("stdin", [b"", b"{", b"[]", b"{}", b'{"prompt":1}x', b"\xff"])
def test_unusable_input_is_refused(agent: Agent, stdin: bytes) -> None:
    """Without a usable input there is no frame, a reason on stderr, and exit code 2."""
    assert agent.run_raw(stdin) == []
    assert agent.exit_code == 2 and b"stdin is unusable" in agent.stderr


def test_start_needs_few_modules(agent: Agent) -> None:
    """The modules that make a start slow are not imported."""
    agent.write("_close", "")
    argv = (*ARGV[:-1], "-X", "importtime", ARGV[-1])
    done = subprocess.run(
        argv, input=b'{"prompt":"hi"}', capture_output=True, env={"INTERCOM_INPUT_DIR": str(agent.inbox)}, check=True
    )
    imported = {line.rpartition(b"|")[2].strip().decode() for line in done.stderr.splitlines()}
    assert imported.isdisjoint({"json", "re", "typing", "enum", "subprocess", "uuid", "site", "threading"})


def _session_of(agent: Agent) -> tuple[str]:
    return (agent.stdout.split(b'"newSessionId":"')[1].split(b'"')[0].decode(),)
