"""Looking at and reading what an agent left, whatever it is (B-46, B-47, B-125)."""

from __future__ import annotations

import os
import shutil
import socket
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from intercomd.domain.agent_files import FileKind
from intercomd.domain.ids import Folder
from intercomd.ipc.reading import MOST_BYTES, UnfitFile
from intercomd.ipc.tree import IpcTree
from tests.ipc.conftest import KITCHEN


def make_socket(path: Path) -> None:
    """Bound through /proc, since the path itself may be too long for a socket."""
    directory = os.open(path.parent, os.O_RDONLY)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(f"/proc/self/fd/{directory}/{path.name}")
    os.close(directory)


def make_hard_link(path: Path) -> None:
    secret = path.parent.parent / "secret"
    secret.write_text("s3cret")
    path.hardlink_to(secret)


def make_sparse_gigabyte(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(1024**3)


def make_too_long(path: Path) -> None:
    path.write_bytes(b" " * (MOST_BYTES + 1))


def make_link(path: Path) -> None:
    path.symlink_to("/etc/hostname")


OBSTACLES: dict[str, Callable[[Path], None]] = {
    "fifo": os.mkfifo,
    "socket": make_socket,
    "link": make_link,
    "hard link": make_hard_link,
    "1 GB": make_sparse_gigabyte,
    "one byte too many": make_too_long,
}


@pytest.mark.parametrize("obstacle", OBSTACLES)
def test_what_is_no_plain_file_is_refused_and_removed(tree: IpcTree, messages: Path, obstacle: str) -> None:
    """A pipe, socket, link, second name or giant is not waited for nor read, and can be cleared away (B-46, B-47)."""
    OBSTACLES[obstacle](messages / "1-x.json")
    tracemalloc.start()
    try:
        assert tree.look(KITCHEN, FileKind.MESSAGES, 10).names == ("1-x.json",)
        with pytest.raises(UnfitFile) as refused:
            tree.read(KITCHEN, FileKind.MESSAGES, "1-x.json")
        assert tracemalloc.get_traced_memory()[1] < MOST_BYTES
    finally:
        tracemalloc.stop()
    assert refused.value.content is None
    assert tree.remove(KITCHEN, FileKind.MESSAGES, "1-x.json", None)
    assert os.listdir(messages) == []


def test_directory_in_the_way_is_not_looked_at(tree: IpcTree, messages: Path) -> None:
    """A directory that is named like a file stays where it is and hides nothing, however deep it goes (B-47)."""
    (messages / "1-x.json" / "deep" / "deeper").mkdir(parents=True)
    (messages / "2-y.json").write_text("{}")
    assert tree.look(KITCHEN, FileKind.MESSAGES, 10).names == ("2-y.json",)
    assert not tree.remove(KITCHEN, FileKind.MESSAGES, "1-x.json", None)


@pytest.mark.parametrize("depth", ["group", "kind"])
def test_link_to_a_directory_is_not_followed(tree: IpcTree, root: Path, tmp_path: Path, depth: str) -> None:
    """An agent cannot have another folder read, or cleared, in the place of its own (B-46)."""
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "messages").mkdir(parents=True)
    target = elsewhere / "messages" / "1-x.json"
    target.write_text("{}")
    planted = root / KITCHEN if depth == "group" else root / KITCHEN / "messages"
    shutil.rmtree(planted)
    planted.symlink_to(elsewhere if depth == "group" else elsewhere / "messages")
    assert tree.look(KITCHEN, FileKind.MESSAGES, 10).names == ()
    assert tree.read(KITCHEN, FileKind.MESSAGES, "1-x.json") is None
    assert not tree.remove(KITCHEN, FileKind.MESSAGES, "1-x.json", None)
    assert target.exists()


def test_hundred_thousand_files_are_taken_in_bounded_looks(tree: IpcTree, messages: Path) -> None:
    """A flood neither grows memory nor hides that there is more; every file comes up in the end (B-125)."""
    directory = os.open(messages, os.O_RDONLY)
    for number in range(100_000):
        os.close(os.open(f"{number:06d}.json", os.O_CREAT | os.O_WRONLY, dir_fd=directory))
    os.close(directory)
    tracemalloc.start()
    try:
        look = tree.look(KITCHEN, FileKind.MESSAGES, 20)
        assert tracemalloc.get_traced_memory()[1] < 1024 * 1024
    finally:
        tracemalloc.stop()
    assert (len(look.names), look.is_cut, list(look.names)) == (20, True, sorted(look.names))
    for name in look.names:
        assert tree.remove(KITCHEN, FileKind.MESSAGES, name, None)
    assert not set(look.names) & set(tree.look(KITCHEN, FileKind.MESSAGES, 20).names)


def test_files_come_in_the_order_of_their_names(tree: IpcTree, messages: Path) -> None:
    """However the directory lists them, and drafts are not looked at."""
    for name in ("3-c.json", "1-a.json", "2-b.json", "0-z.json.tmp", "note.txt"):
        (messages / name).write_text("{}")
    assert tree.look(KITCHEN, FileKind.MESSAGES, 10).names == ("1-a.json", "2-b.json", "3-c.json")
    assert tree.look(KITCHEN, FileKind.MESSAGES, 2).is_cut


@pytest.mark.parametrize("name", [".json", "a b.json", "-x.json", "é.json", "x" * 130 + ".json", "a\nb.json"])
def test_name_that_is_none_is_refused(tree: IpcTree, messages: Path, name: str) -> None:
    """What goes into logs, keys and other names is plain."""
    (messages / name).write_text("{}")
    with pytest.raises(UnfitFile):
        tree.read(KITCHEN, FileKind.MESSAGES, name)


def test_name_that_is_no_text_is_refused_and_removed(tree: IpcTree, messages: Path) -> None:
    """Bytes that are no UTF-8 are a name like any other to the system."""
    with open(os.fsencode(messages) + b"/\xff\xfe.json", "wb"):
        pass
    (name,) = tree.look(KITCHEN, FileKind.MESSAGES, 10).names
    with pytest.raises(UnfitFile):
        tree.read(KITCHEN, FileKind.MESSAGES, name)
    assert tree.remove(KITCHEN, FileKind.MESSAGES, name, None)


def test_file_that_took_the_place_of_a_handled_one_stays(tree: IpcTree, messages: Path) -> None:
    """Only the file that was read is removed, not another that the agent renamed over it meanwhile."""
    (messages / "1-x.json").write_text("first")
    found = tree.read(KITCHEN, FileKind.MESSAGES, "1-x.json")
    assert found is not None and found.content == b"first"
    (messages / "draft").write_text("second")
    (messages / "draft").rename(messages / "1-x.json")
    assert tree.remove(KITCHEN, FileKind.MESSAGES, "1-x.json", found.identity)
    assert (messages / "1-x.json").read_text() == "second"


def test_file_that_is_gone_is_nothing(tree: IpcTree) -> None:
    """An agent may take a query back at any time."""
    assert tree.read(KITCHEN, FileKind.QUERIES, "1-x.json") is None
    assert tree.remove(KITCHEN, FileKind.QUERIES, "1-x.json", None)


def test_own_lack_of_descriptors_is_no_reason_to_refuse(
    tree: IpcTree, messages: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that cannot be opened through no fault of its own stays where it is."""
    (messages / "1-x.json").write_text("{}")
    real_open = os.open

    def full(path: str, flags: int, *args: int, **where: int) -> int:
        if path == "1-x.json":
            raise OSError(24, "Too many open files")
        return real_open(path, flags, *args, **where)

    monkeypatch.setattr(os, "open", full)
    assert tree.read(KITCHEN, FileKind.MESSAGES, "1-x.json") is None
    assert (messages / "1-x.json").exists()


def test_folders_are_those_that_could_be_groups(tree: IpcTree, root: Path) -> None:
    """Files, links and names that no group has are passed over."""
    (root / "global").mkdir()
    (root / "no folder").mkdir()
    (root / "file").write_text("")
    (root / "link").symlink_to(root / KITCHEN)
    (root / "attic").mkdir()
    assert tree.list_folders() == ["attic", KITCHEN]
    assert IpcTree(root / "none").list_folders() == []
    assert tree.look(Folder("attic"), FileKind.TASKS, 10).names == ()
