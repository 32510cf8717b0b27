"""What a group's agent finds at /workspace/ipc itself: host-written files among the mount points of the sub-folders.

    data/ipc-views/<folder>/    current_tasks.json, available_groups.json, and one empty directory per mount

The agent sees it read-only and no sandbox can write to it, so there is nothing of an agent's to follow (hazard B-46).
"""

from __future__ import annotations

import json
from pathlib import Path

from intercomd.domain.ids import Folder
from intercomd.ipc.directories import opened_directory, replace_file

CURRENT_TASKS = "current_tasks.json"
AVAILABLE_GROUPS = "available_groups.json"


def write_view(root: Path, folder: Folder, name: str, value: object) -> None:
    """Replace one file as a whole; raises `OSError`."""
    (root / folder).mkdir(parents=True, exist_ok=True)
    with opened_directory(root, folder) as directory:
        replace_file(directory, name, json.dumps(value, indent=2).encode("ascii"))
