"""Reading one file of an agent: regular, of a sane size and name, and never waited for (hazard B-47)."""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Callable
from dataclasses import dataclass

from intercomd.errors import IntercomError

MOST_BYTES = 2 * 1024 * 1024
"""The longest text that the tools take, with every character escaped, fits."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,119}\.json", re.ASCII)
_IS_NO_FILE = frozenset({errno.ELOOP, errno.ENXIO, errno.ENODEV, errno.EACCES, errno.EPERM, errno.EISDIR})
"""What opening a link, a socket, a device, or a file without rights fails with; any other error is our own trouble."""
_READ_ONLY = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


class UnfitFile(IntercomError):
    """A file that is not taken; the text says why. `content` is what was read of it, if anything."""

    def __init__(self, reason: str, content: bytes | None = None) -> None:
        super().__init__(reason)
        self.content = content


@dataclass(frozen=True, slots=True)
class Identity:
    """Tells one file from another that took its name."""

    inode: int
    modified_ns: int


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file's content as it was when it was read."""

    name: str
    content: bytes
    identity: Identity


def read_file(directory: int, name: str) -> FoundFile:
    """Read it; raises `UnfitFile`, and `OSError` when it is gone or nothing can be opened at all."""
    if not _NAME.fullmatch(name):
        raise UnfitFile("its name is not made of letters, digits, '.', '_' and '-', with .json at the end")
    try:
        descriptor = os.open(name, _READ_ONLY, dir_fd=directory)
    except OSError as error:
        if error.errno in _IS_NO_FILE:
            raise UnfitFile(f"it cannot be opened as a regular file: {error.strerror}") from error
        raise
    with open(descriptor, "rb", buffering=0) as file:
        facts = os.fstat(descriptor)
        if not stat.S_ISREG(facts.st_mode):
            raise UnfitFile("it is no regular file")
        if facts.st_nlink > 1:
            raise UnfitFile(f"it has {facts.st_nlink} names (hard links)")
        if facts.st_size > MOST_BYTES:
            raise UnfitFile(f"it has {facts.st_size} bytes; at most {MOST_BYTES} are taken")
        return FoundFile(name, _read_all(file.read, facts.st_size), Identity(facts.st_ino, facts.st_mtime_ns))


def _read_all(read: Callable[[int], bytes | None], expected: int) -> bytes:
    """As much as was there when its size was taken: a file that grows meanwhile is not read for ever."""
    content = bytearray()
    while len(content) < expected and (chunk := read(expected - len(content))):
        content += chunk
    return bytes(content)
