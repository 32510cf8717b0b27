"""Files that an agent wants to show people: below its group's own folder, and reached without a link (hazard B-46)."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from intercomd.domain.ids import Folder
from intercomd.errors import InvalidInput
from intercomd.ipc.directories import opened_directory

MOST_FILE_BYTES = 20_000_000
"""Telegram takes 50 MB from bots; what a household's line sends in a minute or two is less."""
_INSIDE = PurePosixPath("/workspace/group")
_MOST_DEPTH = 32
_READ_ONLY = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class GroupFile:
    """A file as it was when it was read; `path` is relative to the group's folder."""

    path: str
    content: bytes


def read_group_file(groups_root: Path, folder: Folder, path: str) -> GroupFile:
    """Read the file that the agent knows by `path`, below its group folder.

    Raises `InvalidInput` unless it is a regular file to which no link leads, neither empty nor too large.
    """
    parts = _parts(groups_root / folder, path)
    if not parts or ".." in parts or len(parts) > _MOST_DEPTH or "\0" in path:
        raise InvalidInput("files", f"{path!r} is no path of a file below {_INSIDE}")
    try:
        with opened_directory(groups_root, folder, *parts[:-1]) as directory:
            content = _read(os.open(parts[-1], _READ_ONLY, dir_fd=directory), path)
    except OSError as error:
        raise InvalidInput("files", f"{path!r} cannot be read without following links: {error.strerror}") from error
    except UnicodeEncodeError as error:
        raise InvalidInput("files", f"{path!r} can be no file's name") from error
    return GroupFile("/".join(parts), content)


def _read(descriptor: int, path: str) -> bytes:
    """What is no regular file is not waited for, and one that grows meanwhile not read for ever."""
    try:
        facts = os.fstat(descriptor)
        if not stat.S_ISREG(facts.st_mode):
            raise InvalidInput("files", f"{path!r} is no regular file")
        with open(descriptor, "rb", closefd=False) as file:
            content = file.read(MOST_FILE_BYTES + 1) if facts.st_size <= MOST_FILE_BYTES else b""
    finally:
        os.close(descriptor)
    if max(facts.st_size, len(content)) > MOST_FILE_BYTES:
        raise InvalidInput("files", f"{path!r} is too large: at most {MOST_FILE_BYTES // 1_000_000} MB can be sent")
    if not content:
        raise InvalidInput("files", f"{path!r} is empty; channels take no empty files")
    return content


def _parts(group_dir: Path, path: str) -> tuple[str, ...]:
    """Without a sandbox of its own the agent knows the folder by its path on the host."""
    given = PurePosixPath(path)
    for root in (_INSIDE, PurePosixPath(group_dir)):
        if given.is_relative_to(root):
            return given.relative_to(root).parts
    return () if given.is_absolute() else given.parts
