"""Claims the fire times of scheduled tasks when they come, and tells the Dispatcher which groups have one to run.

Owns:      when to look next, what was told, what both clocks showed at the last look. Losing it loses no fire.
Never:     runs a task, decides what becomes of a fire (the store does, in the claim).
Talks to:  Dispatcher (hint), the store (three indexed queries a look, one more a poll).

It sleeps until the next fire time; the poll is the safety net, and notices a clock that was set or a machine that
slept. When many tasks are due they are claimed in batches with a pause between them, so that the store stays free for
people, and the Dispatcher is told of no more groups than its line takes.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from intercomd.actors.held_lease import HeldLease
from intercomd.clock import Clock
from intercomd.domain.ids import Folder
from intercomd.domain.mailbox import Heartbeat, LineShort, Poll, TaskReady, TasksChanged, WakeUp
from intercomd.domain.scheduled import ReadyTask
from intercomd.errors import FenceLost
from intercomd.logs import EventLog
from intercomd.store.task_ports import Tasks
from intercomd.supervision.port import Address, Context, TimerHandle

CLAIM_LIMIT = 100
"""Tasks of one claim: a transaction of some milliseconds."""
READY_LIMIT = 200
"""Groups that the Dispatcher is told of at once; it asks for more when its line runs short."""
_PAUSE = timedelta(milliseconds=20)
"""The shortest time between two looks that nobody asked for."""
_CLOCK_SLACK = timedelta(seconds=3)
"""Between two looks the wall clock may differ so much from the monotonic one without having been set."""
_log = EventLog("scheduler")


class Scheduler:
    """See the module's text. The first look, at start, is the recovery after a crash."""

    def __init__(
        self,
        tasks: Tasks,
        lease: HeldLease,
        dispatcher: Address,
        poll_interval: timedelta,
        clock: Clock,
        context: Context,
    ) -> None:
        self._tasks = tasks
        self._lease = lease
        self._dispatcher = dispatcher
        self._poll_interval = poll_interval
        self._clock = clock
        self._context = context
        self._wake_up: TimerHandle | None = None
        self._told: dict[Folder, ReadyTask] = {}
        self._is_line_long = False
        self._last_look = clock.now()
        self._last_look_at = clock.monotonic()

    def on_start(self) -> None:
        self._context.timers.every(self._poll_interval, Poll())
        self._context.address.hint(Poll())

    def handle(self, item: object) -> object:
        match item:
            case Poll():
                self._rewind()
                self._look_afresh()
            case LineShort():
                self._look_afresh()
            case WakeUp():
                self._look()
            case TasksChanged(free):
                if free is not None:
                    self._told.pop(free, None)
                self._look_soon()
            case Heartbeat():
                return "ok"
            case _:
                raise TypeError(f"Scheduler does not take {item!r}")
        return None

    def _rewind(self) -> None:
        """After a clock that was ahead and is right again, whoever noticed it or not."""
        try:
            rewound = self._tasks.rewind(self._lease.fence(), self._clock.now(), CLAIM_LIMIT)
        except FenceLost:
            return
        if rewound:
            _log.warning("scheduler.rewound", tasks=rewound)
            self._context.address.hint(Poll())

    def _look_afresh(self) -> None:
        self._told = {}
        self._is_line_long = False
        self._look()

    def _look_soon(self) -> None:
        """At once, unless the last look was just now: a burst of changes is looked at together."""
        rest = self._last_look_at + _PAUSE.total_seconds() - self._clock.monotonic()
        if rest > 0:
            self._sleep(timedelta(seconds=rest))
        else:
            self._look()

    def _look(self) -> None:
        now = self._clock.now()
        self._compare_clocks(now)
        try:
            self._tasks.claim_due(self._lease.fence(), now, CLAIM_LIMIT)
        except FenceLost as error:
            _log.debug("scheduler.fenced", error=error)
            return
        if not self._is_line_long:
            self._tell_ready(now)
        next_at = self._tasks.next_wake_at(now)
        if next_at is not None:
            self._sleep(max(next_at - self._clock.now(), _PAUSE))

    def _tell_ready(self, now: datetime) -> None:
        """What stands in the Dispatcher's line already is not told again, but for the polls."""
        ready = self._tasks.list_ready(now, READY_LIMIT)
        for task in ready:
            if task != self._told.get(task.folder):
                self._dispatcher.hint(TaskReady(task.chat_jid, task.folder, task.waiting_since))
        self._told = {task.folder: task for task in ready}
        self._is_line_long = len(ready) == READY_LIMIT

    def _sleep(self, delay: timedelta) -> None:
        if self._wake_up is not None:
            self._wake_up.cancel()
        self._wake_up = self._context.timers.after(delay, WakeUp())

    def _compare_clocks(self, now: datetime) -> None:
        """A machine that slept shows as a leap ahead, since the monotonic clock stood still."""
        monotonic = self._clock.monotonic()
        jump_s = (now - self._last_look).total_seconds() - (monotonic - self._last_look_at)
        if abs(jump_s) > _CLOCK_SLACK.total_seconds():
            _log.warning("scheduler.clock_jumped", by_s=round(jump_s, 3))
        self._last_look, self._last_look_at = now, monotonic
