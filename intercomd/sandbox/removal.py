"""Removes a folder that an agent may have written to, however deep it is and whatever lies in it.

No link is in the way, nor nesting beyond what a path, a stack, or the descriptors of a process can hold: what is two
levels down is moved up one, until there is one level only.
"""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path

_OPEN = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def remove_folder(path: Path) -> None:
    """Raises `OSError` when it is no folder, or something in it cannot be removed."""
    top = os.open(path, _OPEN)
    try:
        while folders := _remove_files(top):
            for name in folders:
                _flatten(name, top)
    finally:
        os.close(top)
    path.rmdir()


def _flatten(name: str, top: int) -> None:
    """Remove the folder `name`; those in it lie beside it then."""
    with suppress(OSError):  # who may not, learns it from what follows
        os.chmod(name, 0o700, dir_fd=top)
    folder = os.open(name, _OPEN, dir_fd=top)
    try:
        for inner in _remove_files(folder):
            os.rename(inner, secrets.token_hex(16), src_dir_fd=folder, dst_dir_fd=top)
    finally:
        os.close(folder)
    os.rmdir(name, dir_fd=top)


def _remove_files(directory: int) -> list[str]:
    """Remove all but folders, whose names are returned."""
    with os.scandir(directory) as entries:
        found = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
    for name, is_folder in found:
        if not is_folder:
            os.unlink(name, dir_fd=directory)
    return [name for name, is_folder in found if is_folder]
