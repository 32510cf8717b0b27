"""Files that an agent wants to show people: below its group's own folder, and reached without a link (hazard B-46)."""

from __future__ import annotations

import os
import stat
from pathlib import Path, PurePosixPath

from intercomd.domain.ids import Folder
from intercomd.errors import InvalidInput
from intercomd.ipc.directories import opened_directory

_INSIDE = PurePosixPath("/workspace/group")
_MOST_DEPTH = 32


def find_group_file(groups_root: Path, folder: Folder, path: str) -> str:
    """`path` as the agent knows it, below its group folder, as a path relative to that folder.

    Raises `InvalidInput` unless there is a regular file to which no link leads.
    """
    parts = _parts(groups_root / folder, path)
    if not parts or ".." in parts or len(parts) > _MOST_DEPTH or "\0" in path:
        raise InvalidInput("files", f"{path!r} is no path of a file below {_INSIDE}")
    try:
        with opened_directory(groups_root, folder, *parts[:-1]) as directory:
            facts = os.stat(parts[-1], dir_fd=directory, follow_symlinks=False)
    except OSError as error:
        raise InvalidInput("files", f"{path!r} cannot be read without following links: {error.strerror}") from error
    if not stat.S_ISREG(facts.st_mode):
        raise InvalidInput("files", f"{path!r} is no regular file")
    return "/".join(parts)


def _parts(group_dir: Path, path: str) -> tuple[str, ...]:
    """Without a sandbox of its own the agent knows the folder by its path on the host."""
    given = PurePosixPath(path)
    for root in (_INSIDE, PurePosixPath(group_dir)):
        if given.is_relative_to(root):
            return given.relative_to(root).parts
    return () if given.is_absolute() else given.parts
