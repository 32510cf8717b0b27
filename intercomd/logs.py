"""Log lines of one form: `time level event key=value …`.

An event is a stable dotted name (`run.failed`); units are in the keys; never chat text, never secrets.
ERROR: a person should look; WARNING: it healed itself; INFO: a change of state; DEBUG: why a decision was made.
"""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import TextIO

_ROOT = "intercomd"
_BARE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.:/@+")


class EventLog:
    """Writes the events of one part of the program; cheap when the level is off."""

    def __init__(self, part: str) -> None:
        self._logger = logging.getLogger(f"{_ROOT}.{part}")

    def debug(self, event: str, **fields: object) -> None:
        self._emit(logging.DEBUG, event, fields)

    def info(self, event: str, **fields: object) -> None:
        self._emit(logging.INFO, event, fields)

    def warning(self, event: str, **fields: object) -> None:
        self._emit(logging.WARNING, event, fields)

    def error(self, event: str, *, exc: BaseException | None = None, **fields: object) -> None:
        """`exc` adds the exception's traceback below the line."""
        self._emit(logging.ERROR, event, fields, exc)

    def _emit(self, level: int, event: str, fields: dict[str, object], exc: BaseException | None = None) -> None:
        if self._logger.isEnabledFor(level):
            self._logger.log(level, event, extra={"fields": fields}, exc_info=exc)


class LineFormatter(logging.Formatter):
    """`2026-01-31T09:00:00.123Z INFO run.started run_id=r-1 pid=42`."""

    def format(self, record: logging.LogRecord) -> str:
        instant = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        fields: dict[str, object] = getattr(record, "fields", {})
        words = [instant.replace("+00:00", "Z"), record.levelname, record.getMessage()]
        words += [f"{key}={render_value(value)}" for key, value in fields.items()]
        line = " ".join(words)
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


def render_value(value: object) -> str:
    """A value as one word: bare when it is plain, quoted as JSON otherwise, `-` for None."""
    if value is None:
        return "-"
    text = str(value)
    return text if text and _BARE.issuperset(text) else json.dumps(text, ensure_ascii=False)


def configure(level: str, stream: TextIO | None = None) -> None:
    """Send the program's events at or above `level` (debug, info, warning, error) to `stream` (standard error)."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(LineFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger(_ROOT).setLevel(level.upper())
