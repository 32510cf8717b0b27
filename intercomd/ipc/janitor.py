"""Clears a group's IPC folder of what nobody will fetch or finish (hazard B-92).

Ages are counted from the inode's change time, which an agent cannot set.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path

from intercomd.domain.agent_files import RESPONSES, FileKind
from intercomd.domain.ids import Folder
from intercomd.domain.instants import from_epoch_ms
from intercomd.ipc.directories import opened_directory
from intercomd.ipc.tree import MOST_ENTRIES

ANSWER_AGE = timedelta(minutes=15)
"""Agents give up after 30 s, and may ask for the same again for ten minutes."""
JUNK_AGE = timedelta(hours=1)
"""Drafts that were never renamed, and names that nobody reads."""
_MOST_REMOVED = 1_000
_NS_PER_MS = 1_000_000


def sweep_folder(root: Path, folder: Folder, now: datetime) -> int:
    """Remove answers and junk that are past their age, a thousand at most; returns how many."""
    removed = 0
    for name, age in ((RESPONSES, ANSWER_AGE), *((kind.value, JUNK_AGE) for kind in FileKind)):
        with suppress(OSError), opened_directory(root, folder, name) as directory:
            removed += _sweep(directory, now - age, keeps_waiting=name != RESPONSES, limit=_MOST_REMOVED - removed)
    return removed


def _sweep(directory: int, before: datetime, *, keeps_waiting: bool, limit: int) -> int:
    stale = list(islice(_stale(directory, before, keeps_waiting=keeps_waiting), limit))
    return sum(_remove(directory, name, is_directory=is_directory) for name, is_directory in stale)


def _stale(directory: int, before: datetime, *, keeps_waiting: bool) -> Iterator[tuple[str, bool]]:
    """Names, and whether they are directories; files that wait to be read are kept, however old."""
    with os.scandir(directory) as entries:
        for entry in islice(entries, MOST_ENTRIES):
            is_directory = entry.is_dir(follow_symlinks=False)
            if keeps_waiting and entry.name.endswith(".json") and not is_directory:
                continue
            with suppress(OSError):
                facts = os.stat(entry.name, dir_fd=directory, follow_symlinks=False)
                if from_epoch_ms(facts.st_ctime_ns // _NS_PER_MS) < before:
                    yield entry.name, stat.S_ISDIR(facts.st_mode)


def _remove(directory: int, name: str, *, is_directory: bool) -> bool:
    """A directory goes only when it is empty: what an agent nests is not walked."""
    try:
        if is_directory:
            os.rmdir(name, dir_fd=directory)
        else:
            os.unlink(name, dir_fd=directory)
    except OSError:
        return False
    return True
