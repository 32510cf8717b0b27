"""The newest review verdicts: files that the Demarch tools leave below the project (original.md §12)."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from intercomd.domain.demarch import DemarchAnswer

_FOLDERS = ("docs/research/flux-drive", "docs/research")
_NEWEST = 3
_MAX_BYTES = 256 * 1024


def read_verdicts(root: Path) -> DemarchAnswer:
    """The last three `*verdict*.json` by name, as one JSON list, from the first folder that has any.

    Only regular files of a sane size are read: the folder may be written to by agents (hazards B-46, B-47).
    """
    for folder in _FOLDERS:
        names = sorted(_names(root / folder), reverse=True)
        texts = [text for name in names[:_NEWEST] if (text := _read(root / folder / name)) is not None]
        if texts:
            return DemarchAnswer(True, f"[{','.join(texts)}]")
    return DemarchAnswer(False, "No review verdicts found.")


def _names(folder: Path) -> list[str]:
    try:
        return [name for name in os.listdir(folder) if name.endswith(".json") and "verdict" in name]
    except OSError:
        return []


def _read(path: Path) -> str | None:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    with open(descriptor, "rb") as file:
        facts = os.fstat(descriptor)
        if not stat.S_ISREG(facts.st_mode) or facts.st_size > _MAX_BYTES:
            return None
        return file.read(_MAX_BYTES).decode(errors="replace")
