"""The Demarch tools: which command lines there are, the checks in their order, and tools that misbehave."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from intercomd.demarch.tools import DemarchPolicy, DemarchTools, ToolLimits
from intercomd.domain.demarch import (
    ApproveGate,
    CloseIssue,
    CreateIssue,
    NextWork,
    ReadOperation,
    ReviewSummary,
    RunEvents,
    RunStatus,
    SearchBeads,
    SpecLookup,
    SprintPhase,
    StartRun,
    UpdateIssue,
    WriteOperation,
    plan,
)
from intercomd.errors import InvalidInput
from intercomd.settings.model import Demarch
from tests.support.waiting import join

STANDALONE = "Demarch kernel not available — Intercom is running in standalone mode."
ECHO = 'for word in "$@"; do echo "[$word]"; done'
DEFAULTS = Demarch()
POLICY = DemarchPolicy(True, True, frozenset(DEFAULTS.read_allowlist), frozenset(DEFAULTS.write_allowlist))


@pytest.fixture
def install(tmp_path: Path) -> Callable[[str, str], None]:
    """Puts a small script in a tool's place."""
    (tmp_path / "bin").mkdir()

    def install(name: str, script: str) -> None:
        tool = tmp_path / "bin" / name
        tool.write_text(f"#!/bin/sh\n{script}\n")
        tool.chmod(0o755)

    return install


@pytest.fixture
def make_tools(tmp_path: Path) -> Callable[..., DemarchTools]:
    def make(policy: DemarchPolicy = POLICY, limits: ToolLimits | None = None, **environment: str) -> DemarchTools:
        path = f"{tmp_path / 'bin'}:/usr/bin:/bin"
        return DemarchTools(policy, tmp_path, {"PATH": path, **environment}, limits)

    return make


@pytest.mark.parametrize(
    ("operation", "argv"),
    [
        (RunStatus(), "ic run current --json"),
        (RunStatus(run_id="r-1"), "ic run status r-1 --json"),
        (SprintPhase(), "ic run phase --json"),
        (SearchBeads(), "bd list --json"),
        (SearchBeads(query="q", status="open"), "bd list --json --status=open --search=q"),
        (SearchBeads(id="iv-1"), "bd show iv-1 --json"),
        (SpecLookup(), "ic run artifact list --json"),
        (SpecLookup(artifact_id="a/1"), "ic run artifact get a/1 --json"),
        (NextWork(), "bd ready --json"),
        (RunEvents(), "ic events tail --consumer=intercom --json --limit=20"),
        (RunEvents(limit=5, since="e9"), "ic events tail --consumer=intercom --json --limit=5 --since=e9"),
        (CreateIssue(title="t", labels=("a", "b")), "bd create --json --title=t --labels=a,b"),
        (CreateIssue(title="t", issue_type="bug", labels=()), "bd create --json --title=t --type=bug"),
        (UpdateIssue(id="iv-1", notes="n"), "bd update iv-1 --json --notes=n"),
        (CloseIssue(id="iv-1", reason="done"), "bd close iv-1 --json --reason=done"),
        (StartRun(title="t"), "ic run create --json --title=t"),
        (ApproveGate(), "ic gate override --json"),
        (ApproveGate(gate_id="g", reason="r"), "ic gate override g --json --reason=r"),
    ],
    ids=str,
)
def test_operation_is_one_command_line(operation: ReadOperation | WriteOperation, argv: str) -> None:
    """Every operation of original.md §12 has its words, and all but its values are its signature's."""
    invocation = plan(operation)
    assert invocation is not None
    assert " ".join(invocation.argv) == argv
    assert invocation.signature in POLICY.reads | POLICY.writes


@pytest.mark.parametrize("text", ["", "-x", "--db=/other", "a b", "a\n", "a;b", "x" * 129])
def test_id_is_never_an_option(text: str) -> None:
    """What is not plainly an id is refused (hazard B-48)."""
    for operation in (RunStatus(run_id=text), SearchBeads(id=text), CloseIssue(id=text), ApproveGate(gate_id=text)):
        with pytest.raises(InvalidInput):
            plan(operation)


def test_value_that_looks_like_an_option_stays_a_value(
    install: Callable[[str, str], None], make_tools: Callable[..., DemarchTools]
) -> None:
    """Each value is one word of the tool's command line, behind its option's name; no shell looks at it (B-48)."""
    install("bd", ECHO)
    answer = make_tools().write(CreateIssue(title="--help; $(id)\nx", description="\0"), is_privileged=True)
    assert answer.is_ok
    assert "[--title=--help; $(id)\nx]\n[--description=\ufffd]" in answer.result


def test_checks_come_in_their_order(make_tools: Callable[..., DemarchTools]) -> None:
    """Disabled, privilege, allowlist, then whether the tool is there."""
    disabled = make_tools(DemarchPolicy(False, True, frozenset(), frozenset()))
    closed = make_tools(DemarchPolicy(True, True, frozenset(), frozenset()))
    opened = make_tools(DemarchPolicy(True, False, frozenset(), frozenset({"ic gate override --json"})))
    assert disabled.write(ApproveGate(), is_privileged=False).result == "Demarch integration is disabled."
    assert closed.write(ApproveGate(), is_privileged=False).result == "Write operation requires main group privileges."
    blocked = "Operation blocked by demarch {} allowlist: {}"
    assert closed.write(ApproveGate(), is_privileged=True).result == blocked.format("write", "ic gate override --json")
    assert closed.read(NextWork()).result == blocked.format("read", "bd ready --json")
    assert opened.write(ApproveGate(), is_privileged=False).result == STANDALONE
    assert make_tools().read(NextWork()).result == STANDALONE


@pytest.mark.parametrize(
    ("script", "is_ok", "result"),
    [
        ("echo '  [1]  '", True, "[1]"),
        ("echo out; echo wrong >&2; exit 2", False, "wrong"),
        ("echo out; exit 2", False, "out"),
        ("exit 3", False, "bd ended with exit status 3"),
        ("kill -9 $$", False, "bd ended with exit status -9"),
        ("printf 'na\\303'", True, "na\ufffd"),
    ],
)
def test_answer_is_what_the_tool_said(
    install: Callable[[str, str], None],
    make_tools: Callable[..., DemarchTools],
    script: str,
    is_ok: bool,
    result: str,
) -> None:
    """Success is standard output; failure is standard error, else standard output, else the status."""
    install("bd", script)
    answer = make_tools().read(NextWork())
    assert (answer.is_ok, answer.result) == (is_ok, result)


def test_tool_that_hangs_is_killed_with_what_it_started(
    install: Callable[[str, str], None], make_tools: Callable[..., DemarchTools], tmp_path: Path
) -> None:
    """A lock that never comes costs the deadline (hazard B-88)."""
    install("bd", "cat /dev/zero | cat >/dev/null")
    answer = make_tools(limits=ToolLimits(deadline=timedelta(milliseconds=200))).read(NextWork())
    assert (answer.is_ok, answer.result) == (False, "bd did not answer within 0.2 s")


def test_tool_that_says_too_much_is_stopped(
    install: Callable[[str, str], None], make_tools: Callable[..., DemarchTools]
) -> None:
    """An endless answer does not fill the memory."""
    install("bd", "cat /dev/zero")
    assert make_tools().read(NextWork()).result == "bd wrote more than 1024 KiB"


def test_tool_that_cannot_be_run_is_an_answer(
    install: Callable[[str, str], None], make_tools: Callable[..., DemarchTools], tmp_path: Path
) -> None:
    """A broken installation is no crash."""
    install("bd", "")
    (tmp_path / "bin" / "bd").write_bytes(b"\x7fELF broken")
    assert make_tools().read(NextWork()).result == "cannot run bd: Exec format error"


def test_only_a_few_tools_run_at_once(
    install: Callable[[str, str], None], make_tools: Callable[..., DemarchTools], tmp_path: Path
) -> None:
    """Who finds all turns taken hears so soon (hazard B-88)."""
    (tmp_path / "started").mkdir()
    install("bd", f"echo > {tmp_path}/started/fifo; cat {tmp_path}/gate")
    for name in ("gate", "started/fifo"):
        os.mkfifo(tmp_path / name)
    tools = make_tools(limits=ToolLimits(turn=timedelta(milliseconds=50), at_once=1))
    first = threading.Thread(target=tools.read, args=(NextWork(),))
    first.start()
    (tmp_path / "started/fifo").read_text()
    assert "try again soon" in tools.read(NextWork()).result
    (tmp_path / "gate").write_text("done")
    join(first)


def test_tools_do_not_see_the_daemons_secrets(
    install: Callable[[str, str], None], make_tools: Callable[..., DemarchTools]
) -> None:
    """Tokens and DSNs of the daemon's environment stay with it; the tools' own variables pass."""
    install("bd", "env")
    result = make_tools(TELEGRAM_BOT_TOKEN="1:s3cret", INTERCOM_POSTGRES_DSN="s3cret", BD_DB="beads").read(NextWork())
    assert "s3cret" not in result.result
    assert "BD_DB=beads" in result.result


def test_reviews_are_the_last_three_by_name(make_tools: Callable[..., DemarchTools], tmp_path: Path) -> None:
    """Regular files with `verdict` in their names, newest first; a link or a pipe is none (hazard B-46)."""
    tools = make_tools()
    assert tools.read(ReviewSummary()).result == "No review verdicts found."
    folder = tmp_path / "docs" / "research"
    folder.mkdir(parents=True)
    for name in ("1-verdict.json", "2-verdict.json", "3-verdict.json", "4-verdict.json", "5-other.json"):
        (folder / name).write_text(f'"{name[0]}"')
    answer = tools.read(ReviewSummary())
    assert (answer.is_ok, answer.result) == (True, '["4","3","2"]')
    (folder / "4-verdict.json").unlink()
    (folder / "4-verdict.json").symlink_to("/etc/passwd")
    (folder / "3-verdict.json").unlink()
    os.mkfifo(folder / "3-verdict.json")
    assert tools.read(ReviewSummary()).result == '["2"]'
