"""Whose the folders are that an agent writes to: the user it runs as.

A daemon without root's rights runs agents as itself. One with them does not run agents in containers as root: they run
as the owner of the group's folder, and where that is root, the folder is given to an ordinary user first.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from intercomd.errors import SandboxError
from intercomd.sandbox.port import Mount

_ROOT = 0


@dataclass(frozen=True, slots=True)
class User:
    """A user of the host, by numbers."""

    uid: int
    gid: int

    def __str__(self) -> str:
        return f"{self.uid}:{self.gid}"


AGENT_USER = User(1000, 1000)
"""Who gets what is root's; `node` in the images of the existing system."""


def own_user() -> User:
    return User(os.geteuid(), os.getegid())


def choose_user(folder: Path) -> User:
    """Who an agent with this folder runs as, in an engine that lets us choose; raises `SandboxError`."""
    if os.geteuid() != _ROOT:
        return own_user()
    try:
        found = folder.stat()
    except OSError as error:
        raise SandboxError(f"cannot look at {folder}: {error.strerror}") from error
    return User(found.st_uid, found.st_gid) if found.st_uid != _ROOT else AGENT_USER


def hand_over(mounts: Iterable[Mount], user: User) -> None:
    """Make `user` the owner of what may be written, unless it is. Only root can; for others this does nothing. No link
    is followed. Raises `SandboxError`."""
    if os.geteuid() != _ROOT:
        return
    for mount in mounts:
        if mount.is_writable and not mount.is_foreign:
            try:
                _give(mount.host, user)
            except OSError as error:
                raise SandboxError(f"cannot give {mount.host} to user {user}: {error.strerror}") from error


def _give(path: Path, user: User) -> None:
    """The top goes last: while it is not `user`'s, the work is not done."""
    found = path.lstat()
    if found.st_uid == user.uid:
        return
    if stat.S_ISDIR(found.st_mode):
        for _, folders, files, directory in os.fwalk(path, follow_symlinks=False):
            for name in (*folders, *files):
                os.chown(name, user.uid, user.gid, dir_fd=directory, follow_symlinks=False)
    os.chown(path, user.uid, user.gid, follow_symlinks=False)
