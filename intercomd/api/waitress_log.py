"""Waitress' own log lines as events of ours, the frequent one at most every ten seconds."""

from __future__ import annotations

import logging
import time

from intercomd.logs import EventLog

_QUEUE = "waitress.queue"
_QUEUE_EVERY_SECONDS = 10.0

_log = EventLog("api.waitress")


class WaitressLog(logging.Handler):
    """Takes over the loggers below `waitress` while it is attached."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._queue_told_at = -_QUEUE_EVERY_SECONDS

    def attach(self) -> None:
        logger = logging.getLogger("waitress")
        logger.addHandler(self)
        logger.propagate = False

    def detach(self) -> None:
        logger = logging.getLogger("waitress")
        logger.removeHandler(self)
        logger.propagate = not any(isinstance(handler, WaitressLog) for handler in logger.handlers)

    def emit(self, record: logging.LogRecord) -> None:
        if not self._is_first():
            return  # a process with two servers says it once
        if record.name == _QUEUE:
            self._tell_queue(record)
        elif record.exc_info:
            _log.error("api.request_crashed", exc=record.exc_info[1], text=record.getMessage())
        else:
            _log.warning("api.waitress", text=record.getMessage())

    def _is_first(self) -> bool:
        handlers = logging.getLogger("waitress").handlers
        return next((handler for handler in handlers if isinstance(handler, WaitressLog)), self) is self

    def _tell_queue(self, record: logging.LogRecord) -> None:
        """Every request that finds all workers busy would write a line."""
        now = time.monotonic()
        if now - self._queue_told_at >= _QUEUE_EVERY_SECONDS:
            self._queue_told_at = now
            _log.warning("api.requests_wait", text=record.getMessage())
