"""What one thread publishes and all others read without waiting for it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from intercomd.actors.slots import SlotsView

T = TypeVar("T")


class Board(Generic[T]):
    """One writer, any number of readers."""

    def __init__(self, view: T) -> None:
        self._changed = threading.Condition()
        self._view = view

    @property
    def view(self) -> T:
        """The latest value."""
        return self._view

    def publish(self, view: T) -> None:
        with self._changed:
            self._view = view
            self._changed.notify_all()

    def wait_for(self, is_wanted: Callable[[T], bool], timeout_s: float) -> bool:
        """True once a published value is wanted; False after `timeout_s`."""
        with self._changed:
            return self._changed.wait_for(lambda: is_wanted(self._view), timeout_s)


def slot_board(limit: int) -> Board[SlotsView]:
    """For the Dispatcher's word; before its first, no slot is used."""
    return Board(SlotsView(limit, (), (), 0, None, is_draining=False))
