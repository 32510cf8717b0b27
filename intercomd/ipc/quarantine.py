"""Where files of agents go that are refused or make no sense, each with the reason beside it (hazard B-83).

    data/ipc-errors/<folder>/<epoch ms>-<number>-<kind>-<name>          what was read of it
    data/ipc-errors/<folder>/<epoch ms>-<number>-<kind>-<name>.reason   why it was not taken

No sandbox has this place among its mounts. Of a link, pipe or oversized file only the reason is kept.
"""

from __future__ import annotations

import os
import re
from datetime import datetime
from pathlib import Path

from intercomd.domain.agent_files import FileKind
from intercomd.domain.ids import Folder
from intercomd.domain.instants import iso_ms, to_epoch_ms
from intercomd.domain.text import clean, cut
from intercomd.ipc.directories import create_file, opened_directory

MOST_FILES = 400
MOST_BYTES = 8 * 1024 * 1024
_REASON = ".reason"
_UNFIT = re.compile(r"[^A-Za-z0-9._-]+")
_MOST_NAME_CHARACTERS = 100
_MOST_REASON_CHARACTERS = 2_000


class Quarantine:
    """Bounded per group: the oldest go when there are more files or bytes than allowed."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def keep(
        self, folder: Folder, kind: FileKind, name: str, content: bytes | None, reason: str, now: datetime
    ) -> str:
        """Keep `content` (None: there is none to keep) and the reason; returns the name it got. Raises `OSError`."""
        (self._root / folder).mkdir(parents=True, exist_ok=True)
        with opened_directory(self._root, folder) as directory:
            stem = _free_stem(directory, kind, name, now)
            about = f"{iso_ms(now)} {folder}/{kind}/{_shown(name)}\n{cut(clean(reason), _MOST_REASON_CHARACTERS)}\n"
            if content is not None:
                create_file(directory, stem, content)
            create_file(directory, stem + _REASON, about.encode())
            _remove_oldest(directory)
        return stem

    def list_kept(self, folder: Folder) -> list[str]:
        """Names of what is kept with its reason, oldest first."""
        try:
            names = os.listdir(self._root / folder)
        except OSError:
            return []
        return sorted(name.removesuffix(_REASON) for name in names if name.endswith(_REASON))

    def reason(self, folder: Folder, kept: str) -> str:
        """Why it was not taken, with its name and the time in the first line."""
        return (self._root / folder / (kept + _REASON)).read_text(encoding="utf-8")


def _free_stem(directory: int, kind: FileKind, name: str, now: datetime) -> str:
    taken = set(os.listdir(directory))
    safe = _UNFIT.sub("_", name)[-_MOST_NAME_CHARACTERS:]
    for number in range(len(taken) + 1):
        stem = f"{to_epoch_ms(now):013d}-{number:03d}-{kind}-{safe}"
        if stem + _REASON not in taken and stem not in taken:
            return stem
    raise AssertionError("among one more names than are taken one is free")


def _shown(name: str) -> str:
    """A name that may hold anything, on one line."""
    return cut(name.encode("unicode_escape", "backslashreplace").decode("ascii"), _MOST_NAME_CHARACTERS)


def _remove_oldest(directory: int) -> None:
    """Names begin with their time, so the first by name is the oldest."""
    names = sorted(os.listdir(directory))
    sizes = {name: os.stat(name, dir_fd=directory, follow_symlinks=False).st_size for name in names}
    files, total = len(names), sum(sizes.values())
    for name in names:
        if files <= MOST_FILES and total <= MOST_BYTES:
            return
        os.unlink(name, dir_fd=directory)
        files -= 1
        total -= sizes[name]
