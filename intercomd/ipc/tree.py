"""The folders of all groups below data/ipc, as the daemon looks at them.

    data/ipc/<folder>/messages/    texts to send                    written by agents, read and removed by us
    data/ipc/<folder>/tasks/       tasks, groups                    the same
    data/ipc/<folder>/queries/     calls that want an answer        the same
    data/ipc/<folder>/responses/   the answers                      written by us, read and removed by agents

An agent may do anything in its own folder at any time. Nothing here waits for a file, follows a link, or keeps more in
memory than a look may find.
"""

from __future__ import annotations

import heapq
import json
import os
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from intercomd.clock import file_time_ns
from intercomd.domain.agent_files import RESPONSES, FileKind, ToolAnswer
from intercomd.domain.folder import parse_folder
from intercomd.domain.ids import Folder
from intercomd.domain.text import cut
from intercomd.errors import InvalidInput
from intercomd.ipc.directories import opened_directory, replace_file
from intercomd.ipc.reading import FoundFile, Identity, read_file

MOST_ENTRIES = 10_000
"""A look at a directory sees no more entries than that; files beyond come up as those before are removed."""
MOST_ANSWER_CHARACTERS = 200_000
_SUFFIX = ".json"


_CLOCK_STEP_NS = 100_000_000

Marks = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Look:
    """Names of waiting files, in order; `is_cut` when there are more of them."""

    names: tuple[str, ...]
    is_cut: bool


class IpcTree:
    """See the module's text. What an agent has made unreadable is as good as empty."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._paths: dict[Folder, tuple[str, ...]] = {}

    def list_folders(self) -> list[Folder]:
        """Folders that could be a group's, in order; whether they are, the store knows."""
        try:
            with os.scandir(self.root) as entries:
                names = sorted(entry.name for entry in entries if entry.is_dir(follow_symlinks=False))
        except OSError:
            return []
        return [Folder(name) for name in names if _is_folder(name)]

    def marks(self, folder: Folder) -> Marks | None:
        """When each directory of waiting files last got or lost one, in nanoseconds; None without such directories."""
        paths = self._paths.get(folder)
        if paths is None:
            paths = self._paths[folder] = tuple(f"{self.root}/{folder}/{kind}" for kind in FileKind)
        try:
            return tuple([os.lstat(path).st_mtime_ns for path in paths])
        except OSError:
            return None

    def are_settled(self, marks: Marks) -> bool:
        """Whether the next change will differ from the last one: the kernel's clock for it goes in steps of some
        milliseconds."""
        return max(marks) < file_time_ns() - _CLOCK_STEP_NS

    def look(self, folder: Folder, kind: FileKind, limit: int) -> Look:
        """The first `limit` waiting files, by name."""
        try:
            with opened_directory(self.root, folder, kind) as directory, os.scandir(directory) as entries:
                waiting = (
                    entry.name
                    for entry in islice(entries, MOST_ENTRIES)
                    if entry.name.endswith(_SUFFIX) and not entry.is_dir(follow_symlinks=False)
                )
                names = heapq.nsmallest(limit + 1, waiting)
        except OSError:
            return Look((), is_cut=False)
        return Look(tuple(names[:limit]), is_cut=len(names) > limit)

    def read(self, folder: Folder, kind: FileKind, name: str) -> FoundFile | None:
        """A waiting file; None when it is gone. Raises `UnfitFile`."""
        try:
            with opened_directory(self.root, folder, kind) as directory:
                return read_file(directory, name)
        except OSError:
            return None

    def remove(self, folder: Folder, kind: FileKind, name: str, identity: Identity | None) -> bool:
        """Remove a file; with an `identity` only if it still is that one. True when no such file is there any more;
        false when the agent has made that impossible."""
        try:
            with opened_directory(self.root, folder, kind) as directory:
                if identity is None or _identity(directory, name) == identity:
                    os.unlink(name, dir_fd=directory)
        except FileNotFoundError:
            return True
        except OSError:
            return False
        return True

    def answer(self, folder: Folder, uuid: str, answer: ToolAnswer) -> None:
        """Put an answer where the agent looks for it; raises `OSError` when it left no way to."""
        text = cut(answer.text, MOST_ANSWER_CHARACTERS)
        body = json.dumps({"status": "ok" if answer.is_ok else "error", "result": text}, indent=2)
        with opened_directory(self.root, folder, RESPONSES) as directory:
            replace_file(directory, f"{uuid}{_SUFFIX}", body.encode("ascii"))


def _is_folder(name: str) -> bool:
    try:
        parse_folder(name)
    except InvalidInput:
        return False
    return True


def _identity(directory: int, name: str) -> Identity:
    facts = os.stat(name, dir_fd=directory, follow_symlinks=False)
    return Identity(facts.st_ino, facts.st_mtime_ns)
