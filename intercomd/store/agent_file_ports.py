"""What is asked of the store about the files of agents. The rules of `store/ports.py` hold here too."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from intercomd.domain.agent_files import ClaimedFile, FileClaim, ToolAnswer
from intercomd.domain.ids import Folder
from intercomd.domain.leases import Fence


class AgentFiles(Protocol):
    """Which files are being carried out, and what those that are done were answered."""

    def claim(self, fence: Fence, claim: FileClaim, now: datetime) -> ClaimedFile:
        """Remember a file before anything is done for it. The group's live run has effects from now on, since what
        comes next may happen however the run ends (hazard B-114). Raises `FenceLost`."""
        ...

    def settle(self, key: str, answer: ToolAnswer, now: datetime) -> None:
        """What became of a claimed file; a file that is settled stays as it is."""
        ...

    def record_refusal(self, folder: Folder, reason: str, now: datetime) -> None:
        """A file of the folder was refused before it was claimed; the one write here without a key."""
        ...

    def mark_effects(self, folder: Folder) -> None:
        """The group's live run has effects: files of its that ask for something are still waiting."""
        ...
