"""The limit on concurrent runs as a value: who has a slot, who waits for one, who should yield.

Slots are granted to the group that waited longest. When somebody waits and nothing is free, the group that has been
idle longest is asked to yield (hazard B-26).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from intercomd.domain.ids import ChatJid, Folder


@dataclass(slots=True)
class Granted:
    """A group with a slot. `idle_since` is in monotonic seconds; None while its agent works."""

    chat_jid: ChatJid
    idle_since: float | None = None
    is_yielding: bool = False


@dataclass(frozen=True, slots=True)
class Waiting:
    chat_jid: ChatJid
    since: datetime


@dataclass(frozen=True, slots=True)
class SlotsView:
    """A published snapshot for health and status."""

    limit: int
    live: tuple[str, ...]
    idle: tuple[str, ...]
    waiting: int
    oldest_waiting_since: datetime | None
    is_draining: bool

    @property
    def used(self) -> int:
        return len(self.live)


class Slots:
    """Private state of the Dispatcher."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.granted: dict[Folder, Granted] = {}
        self.line: dict[Folder, Waiting] = {}

    @property
    def has_free(self) -> bool:
        return len(self.granted) < self.limit

    def wait(self, folder: Folder, chat_jid: ChatJid, since: datetime) -> None:
        """Put a group into the waiting line; a place it already has keeps the older time."""
        known = self.line.get(folder)
        if known is None or since < known.since:
            self.line[folder] = Waiting(chat_jid, since)

    def grant_next(self) -> Folder | None:
        """Give a free slot to the group that waited longest."""
        if not self.has_free or not self.line:
            return None
        folder = min(self.line, key=lambda name: (self.line[name].since, name))
        self.granted[folder] = Granted(self.line.pop(folder).chat_jid)
        return folder

    def next_to_yield(self) -> Folder | None:
        """The longest idle group that was not asked yet, when there are more groups waiting than yielding."""
        yielding = sum(granted.is_yielding for granted in self.granted.values())
        if self.has_free or len(self.line) <= yielding:
            return None
        idle = [
            (granted.idle_since, folder)
            for folder, granted in self.granted.items()
            if granted.idle_since is not None and not granted.is_yielding
        ]
        return min(idle)[1] if idle else None

    def view(self, is_draining: bool) -> SlotsView:
        return SlotsView(
            self.limit,
            tuple(sorted(self.granted)),
            tuple(sorted(folder for folder, granted in self.granted.items() if granted.idle_since is not None)),
            len(self.line),
            min((waiting.since for waiting in self.line.values()), default=None),
            is_draining,
        )
