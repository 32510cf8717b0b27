"""Files that agents send along with a text: rows of their own, and copies that nobody can change any more."""

from __future__ import annotations

from pathlib import Path

import pytest

from intercomd.domain.ids import ChatJid
from intercomd.domain.outbox import Attachment, OutboxRow
from intercomd.errors import StoreUnavailable
from tests.desk.agent_folder import KITCHEN, AgentFolders
from tests.desk.test_agent_files_again import Killed, make_stumble

MENU, SOUP = "/workspace/group/out/Menü.pdf", "soup.txt"


@pytest.fixture
def group(folders: AgentFolders) -> Path:
    """The kitchen's folder, with two files."""
    group = folders.root / "groups" / KITCHEN
    (group / "out").mkdir(parents=True)
    (group / "out" / "Menü.pdf").write_bytes(b"%PDF" + bytes(1_996))
    (group / "soup.txt").write_bytes(b"soup")
    return group


def rows(folders: AgentFolders) -> list[OutboxRow]:
    """In the order in which they go."""
    return folders.store.outbox.list_recent(ChatJid("local:kitchen"), 100)[::-1]


def copies(folders: AgentFolders) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (folders.root / "outbox-files").glob("*")}


def test_files_go_behind_their_text_as_they_were(folders: AgentFolders, group: Path) -> None:
    """One row for each, whose text tells people what it is and where; a later change of the file changes nothing."""
    answer = folders.call(KITCHEN, "send_message", text="Done", sender="Cook", files=[MENU, SOUP])
    (group / "soup.txt").write_bytes(b"poison")
    assert answer == {"status": "ok", "result": "The text and its files are on the way to this chat."}
    assert [(row.text, row.attachment) for row in rows(folders)] == [
        ("Cook: Done", None),
        ("[file Menü.pdf, 2 kB: out/Menü.pdf in the group's folder kitchen]", Attachment("Menü.pdf", 2_000)),
        ("[file soup.txt, 4 bytes: soup.txt in the group's folder kitchen]", Attachment("soup.txt", 4)),
    ]
    kept = [folders.files.read(row.outbox_id) for row in rows(folders)[1:]]
    assert kept == [b"%PDF" + bytes(1_996), b"soup"]


def test_name_is_shown_in_one_line(folders: AgentFolders, group: Path) -> None:
    """An agent's name for a file writes neither a second line into the chat nor a header into a request."""
    (group / "a\nb\x1b.txt").write_bytes(b"x")
    folders.call(KITCHEN, "send_message", text="x", files=["a\nb\x1b.txt"])
    assert rows(folders)[1].text == "[file a_b_.txt, 1 byte: a_b_.txt in the group's folder kitchen]"
    assert rows(folders)[1].attachment == Attachment("a_b_.txt", 1)


def test_call_with_a_file_that_cannot_be_sent_sends_nothing(folders: AgentFolders, group: Path) -> None:
    """Neither the text nor the files that could be; the agent is told which one it is."""
    answer = folders.call(KITCHEN, "send_message", text="Done", files=[SOUP, "out"])
    assert answer == {"status": "error", "result": "files: 'out' is no regular file"}
    answer = folders.call(KITCHEN, "send_message", 2, text="Done", files=[SOUP] * 11)
    assert answer == {"status": "error", "result": "files: are 11; at most 10 are allowed"}
    assert rows(folders) == []


@pytest.mark.parametrize("is_before", [True, False], ids=["before", "after"])
@pytest.mark.parametrize(
    "step",
    [("store.outbox", "is_known"), ("files", "keep"), ("store.outbox", "enqueue"), ("store.agent_files", "settle")],
    ids=".".join,
)
def test_crash_at_any_step_sends_each_file_once(
    folders: AgentFolders, group: Path, monkeypatch: pytest.MonkeyPatch, step: tuple[str, str], *, is_before: bool
) -> None:
    """What was decided is not decided anew: not even when the agent has removed the file since (B-85)."""
    folders.query(KITCHEN, "send_message", {"text": "Done", "files": [MENU, SOUP]})
    with monkeypatch.context() as patch:
        make_stumble(folders, patch, step, Killed(), is_before=is_before)
        with pytest.raises(Killed):
            folders.handle(KITCHEN)
    if len(rows(folders)) > 0:
        (group / "soup.txt").unlink()
    folders.handle(KITCHEN, folders.make_desk(folders.store))
    assert folders.answer(KITCHEN)["status"] == "ok"
    assert [row.text.partition(",")[0] for row in rows(folders)] == ["Done", "[file Menü.pdf", "[file soup.txt"]
    assert copies(folders) == {
        rows(folders)[1].outbox_id: b"%PDF" + bytes(1_996),
        rows(folders)[2].outbox_id: b"soup",
    }


def test_store_that_is_away_leaves_the_call_where_it_is(
    folders: AgentFolders, group: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is refused for an outage between the copies and the row."""
    folders.query(KITCHEN, "send_message", {"text": "Done", "files": [SOUP]})
    with monkeypatch.context() as patch:
        make_stumble(folders, patch, ("store.outbox", "enqueue"), StoreUnavailable("away"), is_before=True)
        with pytest.raises(StoreUnavailable):
            folders.handle(KITCHEN)
    folders.handle(KITCHEN)
    assert len(rows(folders)) == 2
