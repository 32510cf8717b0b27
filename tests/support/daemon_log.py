"""The log of a daemon that runs as a process: read line by line as it comes, awaited by event name and fields."""

from __future__ import annotations

import json
import logging
import re
import threading
from typing import IO

from tests.support.waiting import Logged

WAIT_SECONDS = 20.0
"""Far beyond what any event takes on a busy machine; only a defect reaches it."""
_TAIL_LINES = 40
_LINE = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z (?P<level>[A-Z]+) (?P<event>\S+)(?P<fields>.*)")
_FIELD = re.compile(r' (?P<key>\w+)=(?P<value>"(?:[^"\\]|\\.)*"|\S+)')


class DaemonLog:
    """Every line of one process' output."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._changed = threading.Condition()
        self._lines: list[str] = []
        self._events: list[Logged] = []
        self._has_ended = False
        self._reader = threading.Thread(target=self._read, name="daemon-log", daemon=True)
        self._reader.start()

    @property
    def lines(self) -> list[str]:
        with self._changed:
            return list(self._lines)

    def events(self, event: str | None = None, **fields: object) -> list[Logged]:
        """What was logged so far: all, or those of this name with at least these fields."""
        with self._changed:
            return [logged for logged in self._events if event is None or _fits(logged, event, fields)]

    def wait_for(self, event: str, *, count: int = 1, timeout_s: float = WAIT_SECONDS, **fields: object) -> Logged:
        """The `count`-th such event, past or to come; fails at the deadline and when the process ends without it."""

        def is_decided() -> bool:
            return self._has_ended or self._count(event, fields) >= count

        with self._changed:
            is_in_time = self._changed.wait_for(is_decided, timeout_s)
            if self._count(event, fields) < count:
                why = "the log ended without it" if is_in_time else f"not in {timeout_s:g} s"
                raise AssertionError(f"log event {event} {fields} (number {count}): {why}\n{self.tail()}")
            return [logged for logged in self._events if _fits(logged, event, fields)][count - 1]

    def wait_for_line(self, pattern: str, timeout_s: float = WAIT_SECONDS) -> str:
        """The first line, past or to come, that matches; for output that is no event (a traceback)."""
        wanted = re.compile(pattern)
        with self._changed:
            self._changed.wait_for(lambda: self._has_ended or any(map(wanted.search, self._lines)), timeout_s)
            found = next(filter(wanted.search, self._lines), None)
            if found is None:
                raise AssertionError(f"no line matches {pattern!r}\n{self.tail()}")
            return found

    def wait_for_end(self, timeout_s: float = WAIT_SECONDS) -> None:
        """Until the process has closed its output."""
        self._reader.join(timeout_s)
        if self._reader.is_alive():
            raise AssertionError(f"the daemon's output is still open\n{self.tail()}")

    def tail(self) -> str:
        return "\n".join(["the daemon's last lines:", *self._lines[-_TAIL_LINES:]])

    def _count(self, event: str, fields: dict[str, object]) -> int:
        return sum(_fits(logged, event, fields) for logged in self._events)

    def _read(self) -> None:
        with self._stream:
            for raw in self._stream:
                line = raw.decode("utf-8", "replace").rstrip("\n")
                logged = parse_line(line)
                with self._changed:
                    self._lines.append(line)
                    if logged is not None:
                        self._events.append(logged)
                    self._changed.notify_all()
        with self._changed:
            self._has_ended = True
            self._changed.notify_all()


def parse_line(line: str) -> Logged | None:
    """A line of `intercomd.logs.LineFormatter` as an event whose field values are text; None for every other line."""
    match = _LINE.fullmatch(line)
    if match is None:
        return None
    fields: dict[str, object] = {
        found["key"]: json.loads(found["value"]) if found["value"].startswith('"') else found["value"]
        for found in _FIELD.finditer(match["fields"])
    }
    return Logged(logging.getLevelNamesMapping()[match["level"]], match["event"], fields)


def _fits(logged: Logged, event: str, fields: dict[str, object]) -> bool:
    return logged.event == event and all(logged.fields.get(key) == str(value) for key, value in fields.items())
