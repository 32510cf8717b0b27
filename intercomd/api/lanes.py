"""Who works on which request: probes have threads of their own, so they answer when every worker is busy."""

from __future__ import annotations

import threading
import time
from typing import Protocol

from waitress.task import ThreadedTaskDispatcher

PROBE_PATHS = frozenset({"/livez", "/readyz", "/healthz"})
_PROBE_THREADS = 2


class _Request(Protocol):
    error: object


class _Channel(Protocol):
    """A connection whose first request is complete (waitress.channel.HTTPChannel)."""

    requests: list[_Request]


class _Pool(ThreadedTaskDispatcher):  # type: ignore[misc]  # waitress ships no types
    """Waitress' thread pool, with telling thread names."""

    def __init__(self, name: str, threads: int) -> None:
        super().__init__()
        self._name = name
        self.set_thread_count(threads)

    def start_new_thread(self, target: object, thread_no: int) -> None:
        threading.Thread(target=target, name=f"{self._name}-{thread_no}", args=(thread_no,), daemon=True).start()  # type: ignore[arg-type]


class Lanes:
    """Stands where Waitress expects its task dispatcher and shares requests out to two pools."""

    def __init__(self, threads: int) -> None:
        self._workers = _Pool("api-worker", threads)
        self._probes = _Pool("api-probe", _PROBE_THREADS)

    def add_task(self, channel: _Channel) -> None:
        path = getattr(channel.requests[0], "path", None)  # a request that could not be parsed has none
        (self._probes if path in PROBE_PATHS else self._workers).add_task(channel)

    def shutdown(self, timeout: float) -> bool:
        """End the threads, those at work after their request; False when some are still busy after `timeout`."""
        deadline = time.monotonic() + timeout
        for pool in (self._workers, self._probes):
            pool.shutdown(timeout=max(0.0, deadline - time.monotonic()))
        return not self._workers.threads and not self._probes.threads
