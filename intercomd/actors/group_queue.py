"""One group's queue while it has a slot: one run, started, watched and settled.

Owns:      which run is in flight and whether it is idle.
Never:     reads a sandbox's output, knows of other groups, keeps a slot after its run.
Talks to:  Run (hint), Dispatcher (hint), the `runs` supervisor (start).

A slot is good for one run with its follow-ups, or for one run of a task. Whatever is pending after it stands in a
waiting line again with its own time, so a busy group cannot starve the others (hazard B-26).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from intercomd.actors.held_lease import HeldLease
from intercomd.clock import Clock
from intercomd.domain.ids import Folder, InputId, RunId
from intercomd.domain.mailbox import (
    CloseSandbox,
    Drain,
    FollowUpReady,
    GraceOver,
    GrantSlot,
    GroupBusy,
    GroupCancelled,
    GroupIdle,
    Heartbeat,
    KillSandbox,
    OutboxFilled,
    PendingHint,
    ReportIdleness,
    RunBusy,
    RunFinished,
    RunIdle,
    StartSandbox,
    VerifyRun,
    YieldSlot,
)
from intercomd.domain.runs import OpenedRun, Outcome
from intercomd.errors import FenceLost, NotFound, SandboxError, StoreConflict
from intercomd.logs import EventLog
from intercomd.sandbox.port import SandboxEngine
from intercomd.store.ports import InputLimits, RetryPolicy, Runs
from intercomd.supervision.port import Actor, Address, ChildExited, Children, ChildSpec, Context, Restart

RUN_PREFIX = "run:"
RUN_MAILBOX_LIMIT = 20_000
"""More items than frames fit into the megabyte that a run's reader may be ahead."""
_STOP_BUDGET = timedelta(seconds=8)
_ORPHAN_PAUSE = timedelta(seconds=5)
"""Between two tries to end a sandbox that an earlier run left behind."""
_log = EventLog("queue")

RunFactory = Callable[[OpenedRun, Address, Context], Actor]


@dataclass(frozen=True, slots=True)
class QueueParts:
    """What every group queue is given."""

    runs: Runs
    engine: SandboxEngine
    lock_path: Callable[[Folder], Path]
    dispatch_lease: HeldLease
    children: Children
    dispatcher: Address
    outbox: Address
    make_run: RunFactory
    new_id: Callable[[str], str]
    limits: InputLimits
    retry: RetryPolicy
    clock: Clock
    note_effects: Callable[[Folder], None]


class GroupQueue:
    """See the module's text."""

    def __init__(self, folder: Folder, parts: QueueParts, context: Context) -> None:
        self._folder = folder
        self._parts = parts
        self._context = context
        self._run_id = RunId(parts.new_id("r"))
        self._input_id = InputId(parts.new_id("i"))
        self._run: Address | None = None
        self._is_idle = False
        self._wants_end = False

    def handle(self, item: object) -> object:
        match item:
            case GrantSlot(is_for_task):
                self._open_run(is_for_task=is_for_task)
            case PendingHint():
                self._tell_run(FollowUpReady())
            case RunIdle():
                self._is_idle = True
                self._parts.dispatcher.hint(GroupIdle(self._folder))
                if self._wants_end:
                    self._tell_run(CloseSandbox())
            case RunBusy():
                self._is_idle = self._wants_end = False
                self._parts.dispatcher.hint(GroupBusy(self._folder))
            case ReportIdleness():
                state = GroupIdle if self._is_idle else GroupBusy
                self._parts.dispatcher.hint(state(self._folder))
            case VerifyRun() | GroupCancelled():
                # A cancel may arrive when the run it ended is gone and the next one works; the store knows.
                self._tell_run(VerifyRun())
            case YieldSlot():
                self._end_when_idle()
            case RunFinished():
                self._context.exit()
            case ChildExited():
                self._on_run_exited(item)
            case Drain(grace):
                self._end_when_idle()
                self._context.timers.after(grace, GraceOver())
            case GraceOver():
                self._tell_run(KillSandbox(Outcome.DRAINED, "the daemon is stopping"))
            case Heartbeat():
                return "ok"
            case _:
                raise TypeError(f"GroupQueue does not take {item!r}")
        return None

    def _open_run(self, *, is_for_task: bool) -> None:
        if self._run is not None:
            return
        try:
            opened = self._open_task_run() if is_for_task else self._open_messages_run()
        except FenceLost as error:
            _log.warning("queue.fenced", folder=self._folder, error=error)
            self._context.exit()
            return
        except (NotFound, StoreConflict):
            opened = None
        if opened is not None:
            self._start_run(opened)
        elif self._settle_left_behind():
            self._context.exit()
        else:
            # A sandbox that may be alive counts; and whoever gave the slot back at once would get it again at once.
            self._context.timers.after(_ORPHAN_PAUSE, YieldSlot())

    def _open_messages_run(self) -> OpenedRun | None:
        parts = self._parts
        fence, now = parts.dispatch_lease.fence(), parts.clock.now()
        return parts.runs.open_run(fence, self._folder, self._run_id, self._input_id, parts.limits, now)

    def _open_task_run(self) -> OpenedRun | None:
        parts = self._parts
        fence, now = parts.dispatch_lease.fence(), parts.clock.now()
        return parts.runs.open_task_run(fence, self._folder, self._run_id, self._input_id, now)

    def _start_run(self, opened: OpenedRun) -> None:
        name = RUN_PREFIX + opened.run_id
        own = self._context.address
        self._run = self._parts.children.start(
            ChildSpec(
                name,
                lambda context: self._parts.make_run(opened, own, context),
                Restart.TEMPORARY,
                stop_timeout=_STOP_BUDGET,
                mailbox_limit=RUN_MAILBOX_LIMIT,
                monitors=(own,),
                linked_to=own.name.rpartition("/")[2],
            )
        )
        self._run.hint(StartSandbox())

    def _settle_left_behind(self) -> bool:
        """Runs of this group that have no actor: prove their sandbox dead, then settle them. What is pending then goes
        through the waiting line. Runs of a later epoch belong to whoever replaced us, and are theirs. False when a
        sandbox may still be alive: its run keeps its row for the Dispatcher's next rescue."""
        for record in self._parts.runs.list_live(self._folder):
            try:
                is_ours = record.epoch <= self._parts.dispatch_lease.fence().epoch
            except FenceLost:
                return True
            if not is_ours:
                continue
            _log.warning("run.left_behind", run_id=record.run_id, folder=self._folder, epoch=record.epoch)
            try:
                self._parts.engine.end_orphan(record.run_id, record.identity, self._parts.lock_path(self._folder))
            except SandboxError as error:
                _log.error("run.orphan_stays", run_id=record.run_id, folder=self._folder, error=error)
                return False
            self._end_run(record.run_id, "its daemon or its actor died")
        return True

    def _on_run_exited(self, exited: ChildExited) -> None:
        """A run that told `RunFinished` has settled itself; after a crash this settles it (the key makes it safe)."""
        if exited.name == RUN_PREFIX + self._run_id:
            self._end_run(self._run_id, exited.error or f"the run's actor ended: {exited.reason}")
            self._context.exit()

    def _end_run(self, run_id: RunId, error: str) -> None:
        self._parts.note_effects(self._folder)
        self._parts.runs.end_run(run_id, Outcome.ORPHANED, error, self._parts.retry, self._parts.clock.now())
        self._parts.outbox.hint(OutboxFilled())

    def _end_when_idle(self) -> None:
        self._wants_end = True
        if self._run is None:
            self._context.exit()
        elif self._is_idle:
            self._tell_run(CloseSandbox())

    def _tell_run(self, item: object) -> None:
        if self._run is not None:
            self._run.hint(item)
