"""Directories that agents can write into, opened step by step so that no link leads elsewhere (hazard B-46)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_BELOW = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@contextmanager
def opened_directory(root: Path, *names: str) -> Iterator[int]:
    """A descriptor of `root/name/…`. The root is trusted; a name that is a link, or no directory, is an `OSError`."""
    descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for name in names:
            below = os.open(name, _BELOW, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = below
        yield descriptor
    finally:
        os.close(descriptor)


def create_file(directory: int, name: str, content: bytes) -> None:
    """Make a new file; a name that exists, as whatever it may be, is `FileExistsError`. Raises `OSError`."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with open(os.open(name, flags, 0o644, dir_fd=directory), "wb") as file:
        file.write(content)


def replace_file(directory: int, name: str, content: bytes) -> None:
    """Make `name` hold `content`, whole or not at all; a link of that name is replaced and not followed. Raises
    `OSError`, for example where a directory is in the way."""
    draft = f"{name}.tmp"
    try:
        create_file(directory, draft, content)
    except FileExistsError:
        os.unlink(draft, dir_fd=directory)
        create_file(directory, draft, content)
    os.rename(draft, name, src_dir_fd=directory, dst_dir_fd=directory)
