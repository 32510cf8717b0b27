"""An IPC tree with one group's folder, as an agent would find it."""

from __future__ import annotations

from pathlib import Path

import pytest

from intercomd.domain.agent_files import RESPONSES, FileKind
from intercomd.domain.ids import Folder
from intercomd.ipc.tree import IpcTree

KITCHEN = Folder("kitchen")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """data/ipc, with the sub-folders of `kitchen`."""
    root = tmp_path / "ipc"
    for name in (*FileKind, RESPONSES):
        (root / KITCHEN / name).mkdir(parents=True)
    return root


@pytest.fixture
def tree(root: Path) -> IpcTree:
    return IpcTree(root)


@pytest.fixture
def messages(root: Path) -> Path:
    return root / KITCHEN / FileKind.MESSAGES
