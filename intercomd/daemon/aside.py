"""Threads for calls of agents that take long: tools of others, and searches."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from intercomd.domain.agent_files import ToolAnswer
from intercomd.errors import StoreUnavailable
from intercomd.logs import EventLog

_THREADS = 4
_log = EventLog("aside")

OnEnd = Callable[[ToolAnswer | None], None]


class AsideThreads:
    """The `Aside` of IpcWatcher. What it is given has deadlines of its own, so its end is near when it is closed."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(_THREADS, "aside")

    def submit(self, work: Callable[[], ToolAnswer], on_end: OnEnd) -> None:
        self._pool.submit(work).add_done_callback(lambda done: _tell(done, on_end))

    def close(self) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)


def _tell(done: Future[ToolAnswer], on_end: OnEnd) -> None:
    """A defect is told to the agent as such, so that its call does not come up again and again."""
    if done.cancelled():
        return
    error = done.exception()
    if isinstance(error, StoreUnavailable):
        on_end(None)
    elif error is not None:
        _log.error("aside.crashed", exc=error)
        on_end(ToolAnswer(False, "The daemon met a defect of its own over this call; its log has it."))
    else:
        on_end(done.result())
