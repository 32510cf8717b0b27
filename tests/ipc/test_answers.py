"""Answers, quarantine and clearing away, in a folder that belongs to an agent (B-45, B-46, B-83, B-92)."""

from __future__ import annotations

import json
import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from intercomd.domain.agent_files import RESPONSES, FileKind, ToolAnswer
from intercomd.ipc.janitor import ANSWER_AGE, JUNK_AGE, sweep_folder
from intercomd.ipc.quarantine import MOST_BYTES, MOST_FILES, Quarantine
from intercomd.ipc.tree import IpcTree
from intercomd.ipc.views import write_view
from tests.ipc.conftest import KITCHEN

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
UUID = "6f1c2a7e-0000-4000-8000-000000000001"


@pytest.mark.parametrize("name", [f"{UUID}.json", f"{UUID}.json.tmp"])
def test_answer_replaces_a_planted_link(tree: IpcTree, root: Path, tmp_path: Path, name: str) -> None:
    """The file behind a link stays what it was, and the agent gets its answer (B-45, B-46)."""
    precious = tmp_path / "precious.json"
    precious.write_text("precious")
    (root / KITCHEN / RESPONSES / name).symlink_to(precious)
    tree.answer(KITCHEN, UUID, ToolAnswer(True, "done ☃ \ud800"))
    assert precious.read_text() == "precious"
    path = root / KITCHEN / RESPONSES / f"{UUID}.json"
    assert not path.is_symlink()
    assert json.loads(path.read_text()) == {"status": "ok", "result": "done ☃ \ud800"}
    assert os.listdir(path.parent) == [path.name]


def test_answer_does_not_follow_a_planted_directory_link(tree: IpcTree, root: Path, tmp_path: Path) -> None:
    """With `responses` led elsewhere there is no answer, and nothing elsewhere (B-45, B-46)."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    shutil.rmtree(root / KITCHEN / RESPONSES)
    (root / KITCHEN / RESPONSES).symlink_to(elsewhere)
    with pytest.raises(OSError):
        tree.answer(KITCHEN, UUID, ToolAnswer(False, "no"))
    assert os.listdir(elsewhere) == []


@pytest.mark.parametrize("name", [f"{UUID}.json", f"{UUID}.json.tmp"])
def test_directory_in_the_way_of_an_answer_is_an_error(tree: IpcTree, root: Path, name: str) -> None:
    """The agent that puts it there gets no answer; the daemon is told so."""
    (root / KITCHEN / RESPONSES / name / "below").mkdir(parents=True)
    with pytest.raises(OSError):
        tree.answer(KITCHEN, UUID, ToolAnswer(True, "yes"))


def test_view_is_replaced_as_a_whole(tmp_path: Path) -> None:
    """A reader sees the old list or the new one."""
    write_view(tmp_path, KITCHEN, "current_tasks.json", ["old"])
    with (tmp_path / KITCHEN / "current_tasks.json").open() as reader:
        write_view(tmp_path, KITCHEN, "current_tasks.json", ["new"])
        assert json.load(reader) == ["old"]
    assert json.loads((tmp_path / KITCHEN / "current_tasks.json").read_text()) == ["new"]


def test_two_files_of_one_name_are_both_kept(tmp_path: Path) -> None:
    """Nothing in quarantine is overwritten, and each has its reason (B-83, B-92)."""
    quarantine = Quarantine(tmp_path)
    for content in (b"one", b"two"):
        quarantine.keep(KITCHEN, FileKind.MESSAGES, "../../x\n.json", content, f"because of {content!r}", NOW)
    kept = quarantine.list_kept(KITCHEN)
    assert [(tmp_path / KITCHEN / name).read_bytes() for name in kept] == [b"one", b"two"]
    reason = quarantine.reason(KITCHEN, kept[1])
    assert reason.splitlines() == [
        r"2026-11-22T12:00:00.000Z kitchen/messages/../../x\n.json",
        "because of b'two'",
    ]


def test_quarantine_drops_the_oldest_when_there_are_too_many(tmp_path: Path) -> None:
    """An agent that sends rubbish for ever fills no disk (B-92, B-125)."""
    quarantine = Quarantine(tmp_path)
    for number in range(MOST_FILES):
        quarantine.keep(KITCHEN, FileKind.TASKS, f"{number}.json", b"x", "no", NOW + timedelta(seconds=number))
    kept = quarantine.list_kept(KITCHEN)
    assert len(os.listdir(tmp_path / KITCHEN)) <= MOST_FILES
    assert kept[-1].endswith(f"-{MOST_FILES - 1}.json") and not any(name.endswith("-0.json") for name in kept)


def test_quarantine_drops_the_oldest_when_it_is_too_big(tmp_path: Path) -> None:
    """Bytes count as well as files (B-92, B-125)."""
    quarantine = Quarantine(tmp_path)
    for number in range(10):
        content = bytes(MOST_BYTES // 4)
        quarantine.keep(KITCHEN, FileKind.TASKS, f"{number}.json", content, "no", NOW + timedelta(seconds=number))
    total = sum(path.stat().st_size for path in (tmp_path / KITCHEN).iterdir())
    assert MOST_BYTES // 2 < total <= MOST_BYTES
    assert quarantine.list_kept(KITCHEN)[-1].endswith("-9.json")


def test_sweep_clears_what_nobody_fetches(root: Path) -> None:
    """Old answers and drafts go; files that wait stay however old, and so does what is young (B-92)."""
    for name in ("queries/1-x.json", "queries/2-y.json.tmp", "messages/note.txt", f"{RESPONSES}/{UUID}.json"):
        (root / KITCHEN / name).write_text("{}")
    (root / KITCHEN / "tasks" / "empty.json").mkdir()
    (root / KITCHEN / "tasks" / "full.json" / "below").mkdir(parents=True)
    (root / KITCHEN / "tasks" / "dangling").symlink_to("/nowhere")
    written = datetime.now(UTC)
    assert sweep_folder(root, KITCHEN, written) == 0
    assert sweep_folder(root, KITCHEN, written + ANSWER_AGE + timedelta(minutes=1)) == 1
    assert sweep_folder(root, KITCHEN, written + JUNK_AGE + timedelta(minutes=1)) == 4
    left = sorted(str(path.relative_to(root / KITCHEN)) for path in (root / KITCHEN).glob("*/*"))
    assert left == ["queries/1-x.json", "tasks/full.json"]


def test_sweep_goes_by_a_time_that_agents_cannot_set(root: Path) -> None:
    """A draft dated to the year 2100 is as old as it is (B-92)."""
    draft = root / KITCHEN / "queries" / "1-x.json.tmp"
    draft.write_text("{}")
    os.utime(draft, (4102444800, 4102444800))
    assert sweep_folder(root, KITCHEN, datetime.now(UTC) + JUNK_AGE + timedelta(minutes=1)) == 1


def test_sweep_follows_no_link(root: Path, tmp_path: Path) -> None:
    """A folder led elsewhere is left alone, with everything behind it (B-46, B-92)."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "document.txt").write_text("mine")
    shutil.rmtree(root / KITCHEN / "messages")
    (root / KITCHEN / "messages").symlink_to(elsewhere)
    assert sweep_folder(root, KITCHEN, datetime.now(UTC) + timedelta(days=1)) == 0
    assert (elsewhere / "document.txt").exists()
