"""Files that an agent wants sent, and the copies that are kept of them."""

from __future__ import annotations

import os
import re
import stat
from datetime import timedelta
from pathlib import Path

import pytest

from intercomd.clock import SystemClock
from intercomd.domain.ids import Folder, OutboxId
from intercomd.errors import InvalidInput, NotFound, StoreConflict
from intercomd.ipc import outbox_files
from intercomd.ipc.group_files import MOST_FILE_BYTES, GroupFile, read_group_file
from intercomd.ipc.outbox_files import YOUNG, OutboxFiles

KITCHEN = Folder("kitchen")
A, B, C = OutboxId("ipc-1:file:0"), OutboxId("ipc-1:file:1"), OutboxId("ipc-2:file:0")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The group's folder, with one file in `out`."""
    home = tmp_path / "groups" / KITCHEN
    (home / "out").mkdir(parents=True)
    (home / "out" / "menu.pdf").write_bytes(b"soup")
    return home


@pytest.fixture
def files(tmp_path: Path) -> OutboxFiles:
    return OutboxFiles(tmp_path / "outbox-files")


def test_file_of_the_group_folder_is_read(home: Path) -> None:
    """By its path inside the sandbox, by one relative to it, or by the one on the host."""
    for path in ("/workspace/group/out/menu.pdf", "out/menu.pdf", f"{home}/out/menu.pdf"):
        assert read_group_file(home.parent, KITCHEN, path) == GroupFile("out/menu.pdf", b"soup")


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("", "is no path of a file below /workspace/group"),
        ("/etc/passwd", "is no path of a file below /workspace/group"),
        ("../attic/x", "is no path of a file below /workspace/group"),
        ("out/../../x", "is no path of a file below /workspace/group"),
        ("a\0b", "is no path of a file below /workspace/group"),
        ("d/" * 40 + "x", "is no path of a file below /workspace/group"),
        ("none", "No such file or directory"),
        ("n" * 300, "File name too long"),
        ("\ud800", "can be no file's name"),
        ("link", "without following links"),
        ("linked/x", "without following links"),
        ("out", "is no regular file"),
        ("pipe", "is no regular file"),
        ("empty", "is empty"),
        ("large", "at most 20 MB"),
    ],
)
def test_file_that_cannot_be_sent_is_refused(home: Path, path: str, reason: str) -> None:
    """Only a regular file below the folder is shown to people, no link leads there (B-46), nothing is waited for."""
    (home.parent / "attic").mkdir()
    (home.parent / "attic" / "x").write_text("private")
    (home / "link").symlink_to("/etc/passwd")
    (home / "linked").symlink_to(home.parent / "attic")
    (home / "empty").touch()
    os.mkfifo(home / "pipe")
    with (home / "large").open("wb") as large:
        large.truncate(MOST_FILE_BYTES + 1)
    with pytest.raises(InvalidInput, match=re.escape(reason)):
        read_group_file(home.parent, KITCHEN, path)


def test_copy_is_the_daemons_alone(files: OutboxFiles, tmp_path: Path) -> None:
    """Others can neither read nor list it; a second try replaces it and leaves no draft."""
    files.keep(A, b"soup")
    files.keep(A, b"stew")
    assert files.read(A) == b"stew"
    (copy,) = (tmp_path / "outbox-files").iterdir()
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert stat.S_IMODE(copy.parent.stat().st_mode) == 0o700


def test_copy_that_is_gone_is_not_found(files: OutboxFiles) -> None:
    """Whoever delivers is told so, in words."""
    with pytest.raises(NotFound, match="is not there any more: No such file"):
        files.read(A)


def test_copy_is_refused_when_there_is_no_room(
    files: OutboxFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An agent that sends again and again does not fill the disk; what the disk itself says is told."""
    monkeypatch.setattr(outbox_files, "MOST_KEPT_BYTES", 8)
    files.keep(A, b"soup")
    with pytest.raises(StoreConflict, match="too many files wait"):
        files.keep(B, b"bread")
    (tmp_path / "file").touch()
    with pytest.raises(StoreConflict, match="cannot be kept until it is delivered: Not a directory"):
        OutboxFiles(tmp_path / "file" / "below").keep(A, b"soup")


def test_sweep_removes_what_nothing_waits_for(files: OutboxFiles, tmp_path: Path) -> None:
    """A copy goes when its row is settled or never came, drafts of killed processes too; a young one may be needed."""
    for outbox_id in (A, B, C):
        files.keep(outbox_id, b"soup")
    (tmp_path / "outbox-files" / "tmpdraft").write_bytes(b"so")
    assert files.sweep(frozenset, SystemClock().now()) == 0
    assert files.sweep(lambda: frozenset({A, B}), SystemClock().now() + YOUNG + timedelta(minutes=1)) == 2
    assert sorted(path.name for path in (tmp_path / "outbox-files").iterdir()) == [A, B]


def test_sweep_of_a_fresh_install_asks_nothing(files: OutboxFiles) -> None:
    """Without a copy the store is left alone."""

    def list_waiting() -> frozenset[OutboxId]:
        raise AssertionError("nobody needs to know")

    assert files.sweep(list_waiting, SystemClock().now()) == 0
