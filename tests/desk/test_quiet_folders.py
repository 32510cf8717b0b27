"""A folder in which nothing changes costs a glance, and no file is overlooked for it."""

from __future__ import annotations

import os

import pytest

from intercomd.domain.agent_files import FileKind
from tests.desk.agent_folder import KITCHEN, AgentFolders


def age(folders: AgentFolders) -> None:
    """The folder's last change is long past."""
    for kind in FileKind:
        os.utime(folders.root / "ipc" / KITCHEN / kind, ns=(10**18, 10**18))


@pytest.fixture
def looks(folders: AgentFolders, monkeypatch: pytest.MonkeyPatch) -> list[FileKind]:
    """Which directories were read."""
    read: list[FileKind] = []
    real = folders.tree.look

    def look(folder: object, kind: FileKind, limit: int) -> object:
        read.append(kind)
        return real(folder, kind, limit)  # type: ignore[arg-type]

    monkeypatch.setattr(folders.tree, "look", look)
    return read


def test_unchanged_folder_is_read_once(folders: AgentFolders, looks: list[FileKind]) -> None:
    """As long as nothing is added or removed."""
    age(folders)
    for _ in range(5):
        assert not folders.desk.has_files(KITCHEN)
    assert len(looks) == len(FileKind)


def test_file_is_seen_after_looks_that_found_nothing(folders: AgentFolders, looks: list[FileKind]) -> None:
    """Its directory has changed."""
    age(folders)
    assert not folders.desk.has_files(KITCHEN)
    folders.message(KITCHEN, "local:kitchen")
    assert folders.desk.has_files(KITCHEN)
    assert looks


def test_folder_that_changed_a_moment_ago_is_read_every_time(folders: AgentFolders, looks: list[FileKind]) -> None:
    """A further change in the same step of the kernel's clock would look like none."""
    for kind in FileKind:
        os.utime(folders.root / "ipc" / KITCHEN / kind, ns=(2**62, 2**62))
    assert not folders.desk.has_files(KITCHEN)
    assert not folders.desk.has_files(KITCHEN)
    assert len(looks) == 2 * len(FileKind)
