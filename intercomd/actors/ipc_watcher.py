"""Finds what agents have put into their folders and has it carried out, one group after the other.

Owns:      which folders are looked at often; which calls are under way elsewhere.
Never:     waits for a tool that takes long, or deals with more than a few files of one group at a time; acts without
           the lease of the duty `ipc`.
Talks to:  the store and the files (through `desk/agent_files.py`), `Aside` (threads for what takes long).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from intercomd.actors.held_lease import HeldLease
from intercomd.clock import Clock
from intercomd.desk.agent_files import AgentFileDesk, LongJob
from intercomd.domain.agent_files import FileKind, ToolAnswer
from intercomd.domain.ids import Epoch, Folder
from intercomd.domain.leases import Fence
from intercomd.domain.mailbox import Heartbeat, Poll, QueryAnswered, SandboxesLive
from intercomd.errors import FenceLost
from intercomd.logs import EventLog
from intercomd.store.ports import Runs
from intercomd.supervision.port import Context, TimerHandle

LOOK_INTERVAL = timedelta(milliseconds=100)
POLL_INTERVAL = timedelta(seconds=1)
SWEEP_INTERVAL = timedelta(seconds=60)
FILES_AT_ONCE = 5
"""Of one kind and group, before others have their turn."""
MOST_ASIDE = 2
"""Calls of one group that may be under way elsewhere, so that no group takes all the threads."""
_FOLDERS_AT_ONCE = 50
_log = EventLog("ipc")


@dataclass(frozen=True, slots=True)
class LookAtFolders:
    """timer → itself: look where sandboxes are live."""


@dataclass(frozen=True, slots=True)
class LookAtFolder:
    """To itself: deal with the next few files of a group."""

    folder: Folder


@dataclass(frozen=True, slots=True)
class SweepFolders:
    """To itself: go on with looking at, and tidying, every folder there is."""


class Aside(Protocol):
    """Threads for what takes long."""

    def submit(self, work: Callable[[], ToolAnswer], on_end: Callable[[ToolAnswer | None], None]) -> None:
        """Do it soon, in another thread, and tell there how it ended: None when the store was away."""
        ...

    def close(self) -> None:
        """Begin nothing more, and wait for what was begun."""
        ...


class IpcWatcher:
    """See the module's text.

    Which sandboxes are live, the store says every second, since another process may dispatch; the Dispatcher of this
    one tells of a new one at once. A folder is looked at once more when its sandbox has ended.
    """

    def __init__(
        self, desk: AgentFileDesk, lease: HeldLease, runs: Runs, aside: Aside, clock: Clock, context: Context
    ) -> None:
        self._desk = desk
        self._lease = lease
        self._runs = runs
        self._aside = aside
        self._clock = clock
        self._context = context
        self._live: frozenset[Folder] = frozenset()
        self._ticking: TimerHandle | None = None
        self._queued: set[Folder] = set()
        self._under_way: dict[Folder, dict[str, LongJob]] = {}
        self._to_sweep: deque[Folder] = deque()
        self._swept_epoch: Epoch | None = None
        self._sweep_at = 0.0

    def on_start(self) -> None:
        self._context.timers.every(POLL_INTERVAL, Poll())
        self._context.address.hint(Poll())

    def handle(self, item: object) -> object:
        match item:
            case SandboxesLive(folders):
                self._follow(self._live | folders)
            case LookAtFolders():
                self._look_at(self._live)
            case LookAtFolder(folder):
                self._queued.discard(folder)
                self._work(folder)
            case QueryAnswered(folder, name, answer):
                self._on_answered(folder, name, answer)
            case Poll():
                self._poll()
            case SweepFolders():
                self._sweep()
            case Heartbeat():
                return "ok"
            case _:
                raise TypeError(f"IpcWatcher does not take {item!r}")
        return None

    # -- which folders --------------------------------------------------------------------------------

    def _poll(self) -> None:
        epoch = self._lease.epoch
        if epoch is None or not self._lease.is_usable:
            self._follow(frozenset())
            return
        self._follow(frozenset(record.folder for record in self._runs.list_live()))
        now = self._clock.monotonic()
        if self._swept_epoch != epoch or now >= self._sweep_at:
            self._swept_epoch, self._sweep_at = epoch, now + SWEEP_INTERVAL.total_seconds()
            self._to_sweep = deque(self._desk.list_folders())
            self._context.address.hint(SweepFolders())

    def _follow(self, live: frozenset[Folder]) -> None:
        ended = self._live - live
        self._live = live
        self._look_at(ended)
        if live and self._ticking is None:
            self._ticking = self._context.timers.every(LOOK_INTERVAL, LookAtFolders())
        elif not live and self._ticking is not None:
            self._ticking.cancel()
            self._ticking = None

    def _sweep(self) -> None:
        for _ in range(min(_FOLDERS_AT_ONCE, len(self._to_sweep))):
            folder = self._to_sweep.popleft()
            if self._lease.is_usable:
                self._desk.tidy(folder)
                self._look_at([folder])
        if self._to_sweep:
            self._context.address.hint(SweepFolders())

    # -- one folder -----------------------------------------------------------------------------------

    def _look_at(self, folders: Iterable[Folder]) -> None:
        if self._lease.is_usable:
            for folder in folders:
                if folder not in self._queued and self._desk.has_files(folder):
                    self._queue(folder)

    def _queue(self, folder: Folder) -> None:
        if self._context.address.hint(LookAtFolder(folder)):
            self._queued.add(folder)

    def _work(self, folder: Folder) -> None:
        try:
            fence = self._lease.fence()
            has_more = [self._work_through(folder, kind, fence) for kind in FileKind]
        except FenceLost as error:
            _log.debug("ipc.fenced", folder=folder, error=error)
            return
        if any(has_more):
            self._queue(folder)

    def _work_through(self, folder: Folder, kind: FileKind, fence: Fence) -> bool:
        """A few files; whether there are more to go on with at once."""
        under_way = self._under_way.get(folder, {})
        look = self._desk.look(folder, kind, FILES_AT_ONCE + len(under_way))
        names = [name for name in look.names if kind is not FileKind.QUERIES or name not in under_way]
        for name in names:
            may_take_long = len(self._under_way.get(folder, {})) < MOST_ASIDE
            job = self._desk.take(folder, kind, name, fence, may_take_long=may_take_long)
            if job is not None:
                self._send_aside(folder, name, job)
        return look.is_cut and bool(names)

    def _send_aside(self, folder: Folder, name: str, job: LongJob) -> None:
        address = self._context.address

        def on_end(answer: ToolAnswer | None) -> None:
            address.hint(QueryAnswered(folder, name, answer))

        self._under_way.setdefault(folder, {})[name] = job
        self._aside.submit(job.work, on_end)

    def _on_answered(self, folder: Folder, name: str, answer: ToolAnswer | None) -> None:
        """Without an answer the file is as it was, and is found again. Somebody else's answer is of an earlier
        incarnation, which did not live to pass it on."""
        under_way = self._under_way.get(folder, {})
        job = under_way.get(name)
        if job is None:
            return
        if answer is not None:
            self._desk.conclude(job.job, answer)
        del under_way[name]
        if not under_way:
            self._under_way.pop(folder, None)
        self._look_at([folder])
