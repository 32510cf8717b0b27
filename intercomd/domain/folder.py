"""The folder-name rule (original.md §1), applied wherever a folder enters (hazard B-42)."""

from __future__ import annotations

import re

from intercomd.domain.ids import Folder
from intercomd.errors import InvalidInput

GLOBAL_FOLDER = "global"
_VALID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_UNFIT = re.compile(r"[^A-Za-z0-9_-]+")


def parse_folder(text: str, field: str = "folder") -> Folder:
    """`text` as a group folder; raises `InvalidInput` naming `field`."""
    if not _VALID.fullmatch(text) or text.lower() == GLOBAL_FOLDER:
        raise InvalidInput(
            field,
            f"{text!r} is no group folder; allowed are 1 to 64 letters, digits, '-' and '_', "
            f"starting with a letter or digit, and not {GLOBAL_FOLDER!r}",
        )
    return Folder(text)


def folder_for(name: str) -> Folder:
    """A valid folder made from a chat's name."""
    stem = _UNFIT.sub("-", name).strip("-_")[:60] or "chat"
    return Folder(f"{stem}-chat" if stem.lower() == GLOBAL_FOLDER else stem)
