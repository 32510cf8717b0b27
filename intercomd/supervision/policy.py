"""How patient the kit is: when items are parked, and how long it waits before it tries again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from random import Random

from intercomd.errors import StoreUnavailable


@dataclass(frozen=True, slots=True)
class Policy:
    """`parks_on` under *tell* keeps the item for another try instead of crashing the actor.

    Both waits double from their first value up to their longest; a restart's wait is shortened by up to a half
    at random, from `seed`, so that actors that fell together do not rise together.
    """

    parks_on: tuple[type[BaseException], ...] = (StoreUnavailable,)
    park_first: timedelta = timedelta(milliseconds=50)
    park_longest: timedelta = timedelta(seconds=1)
    restart_first: timedelta = timedelta(milliseconds=50)
    restart_longest: timedelta = timedelta(seconds=5)
    seed: int = 0

    def park_delay(self, tries: int) -> timedelta:
        """The wait after this many failed tries of one item."""
        return _doubled(self.park_first, self.park_longest, tries)

    def restart_delay(self, failures: int, random: Random) -> timedelta:
        """The wait before the restart after this many failures in the window."""
        return _doubled(self.restart_first, self.restart_longest, failures) * (1.0 - random.random() / 2)


def _doubled(first: timedelta, longest: timedelta, attempt: int) -> timedelta:
    """`first` at attempt 1, twice that at the second, … at most `longest`."""
    factor: int = 2 ** min(attempt - 1, 20)
    return min(first * factor, longest)
