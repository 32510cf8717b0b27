"""What is mounted is what was chosen, or nothing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from intercomd.errors import SandboxError
from intercomd.sandbox.steady_paths import open_steady


def test_path_without_links_is_opened(tmp_path: Path) -> None:
    """The descriptor is of the very folder, wherever that is moved later."""
    folder = tmp_path.resolve() / "a" / "b"
    folder.mkdir(parents=True)
    descriptor = open_steady(folder)
    try:
        folder.rename(folder.with_name("moved"))
        folder.symlink_to("/etc")
        assert os.path.samestat(os.fstat(descriptor), folder.with_name("moved").stat())
    finally:
        os.close(descriptor)


@pytest.mark.parametrize("swapped", ["a", "a/b"])
def test_link_on_the_way_is_refused(tmp_path: Path, swapped: str) -> None:
    """Whether it took the place of the folder or of one above it (B-46)."""
    root = tmp_path.resolve()
    (root / "a" / "b").mkdir(parents=True)
    (root / "other" / "b").mkdir(parents=True)
    (root / swapped).rename(root / "moved")
    (root / swapped).symlink_to(root / "other")
    with pytest.raises(SandboxError, match="was to be mounted"):
        open_steady(root / "a" / "b")


def test_path_that_is_gone_is_refused(tmp_path: Path) -> None:
    """The run fails with the path's name, and is tried again."""
    with pytest.raises(SandboxError, match="is not there as it was: No such file"):
        open_steady(tmp_path.resolve() / "gone")
