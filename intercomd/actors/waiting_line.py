"""Groups that wait for one kind of run, in the order of their waiting times.

Those that may be granted a slot are on offer, in order; the others keep their places and are held back. Whatever is
done to a line of n groups takes O(log n) comparisons.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from intercomd.domain.ids import ChatJid, Folder


@dataclass(frozen=True, slots=True)
class Place:
    """For which chat a group waits, and since when."""

    chat_jid: ChatJid
    since: datetime


class WaitingLine:
    """See the module's text. Its length counts those on offer and those held back."""

    def __init__(self) -> None:
        self._places: dict[Folder, Place] = {}
        self._offers: list[tuple[datetime, Folder]] = []

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, folder: object) -> bool:
        return folder in self._places

    @property
    def first(self) -> Folder | None:
        """The one on offer that waited longest."""
        return self._offers[0][1] if self._offers else None

    @property
    def on_offer(self) -> int:
        return len(self._offers)

    def oldest(self, held_back: Iterable[Folder]) -> datetime | None:
        """Since when the first in line waits; whoever is held back has to be named."""
        since = [self._places[folder].since for folder in held_back if folder in self._places]
        return min((*since, *(instant for instant, _ in self._offers[:1])), default=None)

    def join(self, folder: Folder, chat_jid: ChatJid, since: datetime) -> None:
        """Take a place, held back until it is offered; one that is there already keeps the older time."""
        known = self._places.get(folder)
        if known is None:
            self._places[folder] = Place(chat_jid, since)
        elif since < known.since:
            self.hold_back(folder)
            self._places[folder] = Place(known.chat_jid, since)

    def leave(self, folder: Folder) -> Place:
        """Give up the place that is returned."""
        self.hold_back(folder)
        return self._places.pop(folder)

    def offer(self, folder: Folder) -> None:
        """It may be granted a slot, if it stands in the line."""
        if folder in self._places and self._position(folder) is None:
            insort(self._offers, self._offer(folder))

    def hold_back(self, folder: Folder) -> None:
        """It keeps its place, if it has one, and is not granted a slot."""
        if folder in self._places and (position := self._position(folder)) is not None:
            del self._offers[position]

    def clear(self) -> None:
        self._places.clear()
        self._offers.clear()

    def _offer(self, folder: Folder) -> tuple[datetime, Folder]:
        return (self._places[folder].since, folder)

    def _position(self, folder: Folder) -> int | None:
        offer = self._offer(folder)
        position = bisect_left(self._offers, offer)
        return position if position < len(self._offers) and self._offers[position] == offer else None
