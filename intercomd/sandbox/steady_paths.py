"""Paths that agents may rearrange between the choice of a mount and the mount itself.

A folder below one that another agent may write to can be moved away, with a link in its place that leads anywhere on
the host. What is mounted is opened step by step, so that no link is on the way when the engine starts; where the engine
takes the descriptor instead of the path, there is no moment left in which one could come.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from intercomd.errors import SandboxError

_STEP = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC


def open_steady(path: Path) -> int:
    """A descriptor of what is there (O_PATH), for the caller to close. Raises `SandboxError` when a link is on the way,
    or nothing is there any more."""
    descriptor = os.open("/", _STEP)
    try:
        for name in path.parts[1:]:
            below = os.open(name, _STEP, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = below
        is_link = stat.S_ISLNK(os.fstat(descriptor).st_mode)
    except OSError as error:
        os.close(descriptor)
        raise SandboxError(f"{path} was to be mounted and is not there as it was: {error.strerror}") from error
    if is_link:
        os.close(descriptor)
        raise SandboxError(f"{path} was to be mounted and is a link by now")
    return descriptor


def check_steady(path: Path) -> None:
    """The same for engines that only take paths."""
    os.close(open_steady(path))
