"""Gives slots to groups, longest waiting first, and never loses one.

Owns:      the slots and the waiting lines (data: a waiting group costs no thread).
Never:     reads messages, starts a process, waits for anybody.
Talks to:  the `runs` supervisor (start), GroupQueue (tell), MessageLoop and Scheduler (hint).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from intercomd.actors.held_lease import HeldLease
from intercomd.actors.slots import Grant, Slots, SlotsView
from intercomd.actors.waiting_line import WaitingLine
from intercomd.clock import Clock
from intercomd.domain.ids import Folder
from intercomd.domain.mailbox import (
    ChatReady,
    ChatStored,
    Drain,
    GrantSlot,
    GroupBusy,
    GroupCancelled,
    GroupIdle,
    Heartbeat,
    LineShort,
    PendingHint,
    Poll,
    ReportIdleness,
    TaskReady,
    TasksChanged,
    VerifyRun,
    YieldSlot,
)
from intercomd.errors import StoreUnavailable
from intercomd.logs import EventLog
from intercomd.store.ports import Runs
from intercomd.supervision.port import Actor, Address, ChildExited, Children, ChildSpec, Context, ExitReason, Restart

RESCUE_INTERVAL = timedelta(seconds=5)
QUEUE_PREFIX = "queue:"
_LINE_IS_SHORT = 100
_log = EventLog("dispatcher")

QueueFactory = Callable[[Folder, Context], Actor]


class Dispatcher:
    """See the module's text.

    A restart rebuilds the slots from the children that are alive, and from live rows of the runs table whose queue is
    not: those groups are granted a slot so that their queue settles what was left behind. `publish` receives a
    `SlotsView` after every change. There may be nobody at `scheduler`.
    """

    def __init__(
        self,
        runs: Runs,
        lease: HeldLease,
        children: Children,
        message_loop: Address,
        scheduler: Address,
        make_queue: QueueFactory,
        queue_address: Callable[[Folder], Address],
        limit: int,
        clock: Clock,
        publish: Callable[[SlotsView], None],
        context: Context,
    ) -> None:
        self._runs = runs
        self._lease = lease
        self._children = children
        self._message_loop = message_loop
        self._scheduler = scheduler
        self._make_queue = make_queue
        self._queue_address = queue_address
        self._slots = Slots(limit)
        self._clock = clock
        self._publish = publish
        self._context = context
        self._is_draining = False

    def on_start(self) -> None:
        for name in self._children.names():
            if name.startswith(QUEUE_PREFIX):
                folder = Folder(name.removeprefix(QUEUE_PREFIX))
                self._slots.adopt(folder)
                self._queue_address(folder).hint(ReportIdleness())
        self._context.timers.every(RESCUE_INTERVAL, Poll())
        self._context.address.hint(Poll())
        self._publish_view()

    def handle(self, item: object) -> object:
        match item:
            case ChatReady():
                self._on_chat_ready(item)
            case TaskReady(chat_jid, folder, waiting_since):
                if not self._is_draining:
                    self._slots.wait(folder, chat_jid, waiting_since, is_for_task=True)
            case GroupIdle(folder) if folder in self._slots.granted:
                self._slots.granted[folder].idle_since = self._clock.monotonic()
            case GroupBusy(folder) if folder in self._slots.granted:
                self._slots.granted[folder].idle_since = None
                self._slots.granted[folder].is_yielding = False
            case GroupIdle() | GroupBusy():
                return None
            case ChildExited():
                self._on_queue_exited(item)
            case GroupCancelled(folder):
                if folder in self._slots.granted:
                    self._queue_address(folder).hint(item)
                return None
            case Drain():
                self._on_drain(item)
            case Poll():
                self._rescue()
            case Heartbeat():
                return "ok"
            case _:
                raise TypeError(f"Dispatcher does not take {item!r}")
        self._fill()
        self._publish_view()
        return None

    def _on_chat_ready(self, ready: ChatReady) -> None:
        if self._is_draining:
            return
        granted = self._slots.granted.get(ready.folder)
        if granted is None or granted.is_for_task:
            self._slots.wait(ready.folder, ready.chat_jid, ready.waiting_since)
        else:
            granted.chat_jid = ready.chat_jid
            self._queue_address(ready.folder).hint(PendingHint())

    def _on_queue_exited(self, exited: ChildExited) -> None:
        if exited.name in self._children.names():
            return  # an earlier queue of this name; its slot was taken back when it was missed
        folder = Folder(exited.name.removeprefix(QUEUE_PREFIX))
        granted = self._slots.release(folder)
        if exited.reason in (ExitReason.CRASHED, ExitReason.START_FAILED, ExitReason.ZOMBIE):
            # No hint for this group: the next poll brings it back, at most once per poll interval.
            _log.warning("queue.ended_badly", folder=folder, reason=exited.reason, error=exited.error)
        else:
            if granted is not None and granted.chat_jid:
                self._message_loop.hint(ChatStored(granted.chat_jid))
            self._scheduler.hint(TasksChanged(free=folder))

    def _on_drain(self, drain: Drain) -> None:
        self._is_draining = True
        self._slots.clear_lines()
        for folder in self._slots.granted:
            self._queue_address(folder).hint(drain)

    def _rescue(self) -> None:
        """Slots without a queue, and live rows without one: left by a crash, ours or an earlier daemon's. The rows'
        groups are granted a slot, and their queue settles them."""
        alive = self._children.names()
        for folder in [folder for folder in self._slots.granted if QUEUE_PREFIX + folder not in alive]:
            self._slots.release(folder)
        if self._is_draining:
            return
        try:
            live = self._runs.list_live()
        except StoreUnavailable:
            return
        for record in live:
            granted = self._slots.granted.get(record.folder)
            if granted is None:
                self._slots.wait(record.folder, record.chat_jid, record.opened_at)
            else:
                granted.is_for_task = record.task_id is not None
        for folder in self._slots.granted.keys() - {record.folder for record in live}:
            # Cancelled while we could not be told, or about to open or end: only the run can tell which.
            self._queue_address(folder).hint(VerifyRun())

    def _fill(self) -> None:
        before = [len(line) for line in self._lines]
        while self._lease.is_usable and (grant := self._slots.grant_next()) is not None:
            self._start_queue(grant)
        while (idle := self._slots.next_to_yield()) is not None:
            self._slots.granted[idle].is_yielding = True
            self._queue_address(idle).hint(YieldSlot())
        for length, line, feeder in zip(before, self._lines, (self._message_loop, self._scheduler), strict=True):
            if length >= _LINE_IS_SHORT > len(line):
                feeder.hint(LineShort())

    @property
    def _lines(self) -> tuple[WaitingLine, WaitingLine]:
        return self._slots.people, self._slots.tasks

    def _start_queue(self, grant: Grant) -> None:
        spec = ChildSpec(
            QUEUE_PREFIX + grant.folder,
            lambda context: self._make_queue(grant.folder, context),
            Restart.TEMPORARY,
            monitors=(self._context.address,),
        )
        self._children.start(spec).hint(GrantSlot(is_for_task=grant.is_for_task))

    def _publish_view(self) -> None:
        self._publish(self._slots.view(self._is_draining))
