"""The project's tools for agents (original.md §11.3): who may ask what, and what a crash in the middle leaves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from intercomd.desk.demarch import READS, WRITES
from intercomd.domain.agent_files import FileKind
from intercomd.domain.ids import Folder
from tests.desk.agent_folder import ATTIC, HOME, KITCHEN, AgentFolders

ECHO = '#!/bin/sh\necho "$(basename "$0") $*"\necho "$(basename "$0") $*" >> "$(dirname "$0")/asked"\n'


@pytest.fixture
def project(tmp_path: Path) -> Iterator[AgentFolders]:
    """`ic` and `bd` that repeat their command line; of the groups but the main one, `kitchen` may read."""
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("ic", "bd"):
        (programs / name).write_text(ECHO)
        (programs / name).chmod(0o755)
    made = AgentFolders(tmp_path, readers=frozenset({KITCHEN}), programs=programs)
    yield made
    made.store.close()


def asked(project: AgentFolders) -> list[str]:
    assert project.programs is not None
    path = project.programs / "asked"
    return path.read_text().splitlines() if path.exists() else []


def test_every_type_of_the_existing_system_is_known() -> None:
    """Reads and writes of §11.3, and no further ones."""
    assert set(READS) == {
        *("run_status", "sprint_phase", "search_beads", "spec_lookup", "review_summary", "next_work", "run_events"),
        "research",
    }
    assert set(WRITES) == {"create_issue", "update_issue", "close_issue", "start_run", "approve_gate"}


@pytest.mark.parametrize(
    ("tool", "params", "command"),
    [
        ("run_status", {"runId": "r-1"}, "ic run status r-1 --json"),
        ("run_status", {"runId": 5}, "ic run current --json"),
        ("sprint_phase", {}, "ic run phase --json"),
        ("search_beads", {"query": "x", "status": "open"}, "bd list --json --status=open --search=x"),
        ("spec_lookup", {"artifactId": "a-1"}, "ic run artifact get a-1 --json"),
        ("next_work", {}, "bd ready --json"),
        ("run_events", {"limit": 3, "since": "e-1"}, "ic events tail --consumer=intercom --json --limit=3 --since=e-1"),
        ("run_events", {"limit": "3"}, "ic events tail --consumer=intercom --json --limit=20"),
    ],
)
def test_reading_is_for_groups_that_may(
    project: AgentFolders, tool: str, params: dict[str, Any], command: str
) -> None:
    """The main group and those of the setting are answered by the tool, others are told that they may not (B-49);
    arguments of another type count as left out."""
    for reader in (HOME, KITCHEN):
        assert project.call(reader, tool, **params) == {"status": "ok", "result": command}
    before = asked(project)
    answer = project.call(ATTIC, tool, **params)
    assert (answer["status"], "demarch.read_groups" in answer["result"]) == ("error", True)
    assert asked(project) == before


def test_verdicts_are_for_readers_only(project: AgentFolders) -> None:
    """They come from files and not from a command, and follow the same rule (B-49)."""
    verdicts = project.root / "docs" / "research"
    verdicts.mkdir(parents=True)
    (verdicts / "1-verdict.json").write_text('{"ok": true}')
    assert project.call(KITCHEN, "review_summary") == {"status": "ok", "result": '[{"ok": true}]'}
    assert project.call(ATTIC, "review_summary")["status"] == "error"


def test_everybody_may_read_where_the_setting_says_so(tmp_path: Path) -> None:
    """One sign stands for all groups."""
    folders = AgentFolders(tmp_path, readers=frozenset({"*"}), programs=tmp_path)
    assert "standalone mode" in folders.call(ATTIC, "next_work")["result"]
    folders.store.close()


def test_research_is_asked_only_when_it_is_allowed(project: AgentFolders) -> None:
    """It is known, needs a query that is no option, and stands in no allowlist by itself (B-48)."""
    assert project.call(HOME, "research", 1)["result"] == "research requires a query parameter"
    assert "query" in project.call(HOME, "research", 2, query="--delete")["result"]
    blocked = project.call(HOME, "research", 3, query="bees")["result"]
    assert blocked == "Operation blocked by demarch read allowlist: ic discovery search --json"


@pytest.mark.parametrize(
    ("tool", "params", "answer"),
    [
        ("create_issue", {}, "create_issue requires a title"),
        ("create_issue", {"title": 5}, "create_issue requires a title"),
        ("update_issue", {"id": ""}, "update_issue requires an id"),
        ("close_issue", {"reason": "x"}, "close_issue requires an id"),
    ],
)
def test_write_without_what_it_needs_is_refused(
    project: AgentFolders, tool: str, params: dict[str, Any], answer: str
) -> None:
    """In the words of the existing system, before any tool is asked."""
    assert project.call(HOME, tool, **params) == {"status": "error", "result": answer}
    assert asked(project) == []


@pytest.mark.parametrize(("asker", "is_done"), [(HOME, True), (KITCHEN, False), (Folder("main"), False)])
def test_writing_is_for_the_main_group_of_the_settings(
    project: AgentFolders, asker: Folder, *, is_done: bool
) -> None:
    """What a query says about itself counts for nothing (B-91)."""
    answer = project.call(asker, "create_issue", title="Leak", is_main=True, source_group=HOME)
    assert (answer["status"] == "ok") == is_done
    assert asked(project) == (["bd create --json --title=Leak"] if is_done else [])


def test_write_that_a_crash_cut_short_is_not_made_again(project: AgentFolders) -> None:
    """The tool may have done it and knows no key, so the agent is told to look; asked anew, it is done."""
    path = project.query(HOME, "create_issue", {"title": "Leak"})
    assert project.desk.take(HOME, FileKind.QUERIES, path.name, project.fence, may_take_long=True) is not None
    project.handle(HOME, project.make_desk(project.store))
    answer = project.answer(HOME)
    assert (answer["status"], "nobody knows whether it was done" in answer["result"]) == ("error", True)
    assert asked(project) == []
    assert project.call(HOME, "create_issue", 2, title="Leak")["status"] == "ok"


def test_write_asked_again_is_made_once(project: AgentFolders) -> None:
    """Its answer was stored before the query went."""
    first = project.call(HOME, "create_issue", title="Leak")
    assert project.call(HOME, "create_issue", title="Leak") == first
    assert len(asked(project)) == 1
