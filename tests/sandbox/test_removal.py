"""Folders that agents wrote to go away, whatever was built in them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from intercomd.sandbox.layout import Layout
from intercomd.sandbox.removal import remove_folder

DEEPER_THAN_A_STACK = 3_000


def nest(folder: Path, depth: int = DEEPER_THAN_A_STACK) -> None:
    """Folders in each other, beyond what any path can name."""
    current = os.open(folder, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir("d" * 20, dir_fd=current)
        below = os.open("d" * 20, os.O_RDONLY, dir_fd=current)
        os.close(current)
        current = below
    os.close(current)


def test_folder_deeper_than_any_path_is_removed(tmp_path: Path) -> None:
    """An agent that nests folders without end leaves nothing behind, and breaks nothing."""
    folder = tmp_path / "run"
    (folder / "closed").mkdir(parents=True)
    (folder / "closed" / "file").touch()
    (folder / "closed").chmod(0)
    nest(folder)
    remove_folder(folder)
    assert not folder.exists()


def test_links_are_removed_and_not_followed(tmp_path: Path) -> None:
    """What a link leads to stays as it is (B-46)."""
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "diary").write_text("dear")
    folder = tmp_path / "run"
    (folder / "below").mkdir(parents=True)
    (folder / "link").symlink_to(tmp_path / "kept")
    (folder / "below" / "link").symlink_to(tmp_path / "kept")
    remove_folder(folder)
    assert (tmp_path / "kept" / "diary").read_text() == "dear"
    (tmp_path / "link").symlink_to(tmp_path / "kept")
    with pytest.raises(OSError, match="Not a directory"):
        remove_folder(tmp_path / "link")


def test_sweep_goes_on_after_a_folder_that_was_made_too_deep(tmp_path: Path) -> None:
    """What an agent built in a run's folder does not keep the daemon from starting."""
    layout = Layout(tmp_path / "data", tmp_path / "groups", "test")
    for run_id in ("r-1", "r-2"):
        (layout.lock_directory / run_id).mkdir(parents=True)
    nest(layout.lock_directory / "r-1")
    assert layout.sweep_run_folders(frozenset) == 2
    assert list(layout.lock_directory.iterdir()) == []
