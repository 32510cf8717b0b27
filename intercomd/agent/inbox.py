"""The input directory: follow-ups in name order, and the close sentinel.

The directory may be mounted read-only, so nothing in it is deleted: names only rise, and the last one taken is kept.
"""

from __future__ import annotations

import os
import time

from .frames import STDERR, write_all
from .wire import loads

SENTINEL = "_close"
_LIVELY_SECONDS = 1.0
_LIVELY_PAUSE_SECONDS = 0.01
_IDLE_PAUSE_SECONDS = 0.05


class FollowUp:
    """A further input of a running agent."""

    def __init__(self, text: str, input_id: str | None) -> None:
        self.text = text
        self.input_id = input_id


class Inbox:
    """Follow-ups that wait in `directory`."""

    def __init__(self, directory: str) -> None:
        self._directory = directory
        self._last_name = ""
        self._parent = os.getppid()
        self.is_closed = False

    def wait(self) -> FollowUp | None:
        """The next follow-up, or None when there is none and the agent is to end."""
        began = time.monotonic()
        while True:
            follow_up = self.take()
            if follow_up is not None or self.is_closed:
                return follow_up
            is_lively = time.monotonic() - began < _LIVELY_SECONDS
            time.sleep(_LIVELY_PAUSE_SECONDS if is_lively else _IDLE_PAUSE_SECONDS)

    def take(self) -> FollowUp | None:
        """The next follow-up that is there.

        Without one `is_closed` says whether the agent is to end: when the sentinel is there, when the directory is
        gone, or when whoever started it is gone.
        """
        names = self._list()
        for name in names or ():
            if name.endswith(".json") and name > self._last_name:
                self._last_name = name
                follow_up = self._load(name)
                if follow_up is not None:
                    return follow_up
        self.is_closed = names is None or SENTINEL in names or os.getppid() != self._parent
        return None

    def _list(self) -> list[str] | None:
        try:
            return sorted(os.listdir(self._directory))
        except OSError:
            return None

    def _load(self, name: str) -> FollowUp | None:
        try:
            with open(f"{self._directory}/{name}", encoding="utf-8") as file:
                value = loads(file.read())
            return FollowUp(value["text"], value.get("inputId"))
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            write_all(f"follow-up {name} is unusable: {error}\n".encode(), STDERR)
            return None
