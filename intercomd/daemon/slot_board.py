"""The Dispatcher's latest word about its slots, readable by everybody without waiting for it."""

from __future__ import annotations

import threading

from intercomd.actors.slots import SlotsView


class SlotBoard:
    """One writer (the Dispatcher), any number of readers."""

    def __init__(self, limit: int) -> None:
        self._changed = threading.Condition()
        self._view = SlotsView(limit, (), (), 0, None, is_draining=False)

    @property
    def view(self) -> SlotsView:
        return self._view

    def publish(self, view: SlotsView) -> None:
        with self._changed:
            self._view = view
            self._changed.notify_all()

    def wait_until_empty(self, timeout_s: float) -> bool:
        """True once a draining Dispatcher has no live group; False after `timeout_s`."""
        with self._changed:
            return self._changed.wait_for(lambda: self._view.is_draining and not self._view.live, timeout_s)
