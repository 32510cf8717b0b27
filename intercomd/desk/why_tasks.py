"""How a scheduled task stands: when it fires next, what its fire under way waits for, and what became of the last."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

from intercomd.clock import Clock
from intercomd.desk.why_texts import REASONS, local_instant
from intercomd.domain.scheduled import Fire, FireState, ScheduledTask, TaskStatus
from intercomd.domain.schedules.zones import parse_zone
from intercomd.errors import InvalidInput
from intercomd.store.ports import Store

_ENDS = {
    FireState.RAN: "ran",
    FireState.RAN_LATE: "ran late",
    FireState.SKIPPED: "was skipped",
    FireState.FAILED: "failed",
    FireState.STOPPED: "was stopped by a command",
    FireState.STOPPED_BY_DRAIN: "broke off when the daemon stopped",
}
_NO_SCHEDULER = "scheduler.enabled is not set in the settings"
_WITH_REASON = (FireState.SKIPPED, FireState.FAILED)


class TaskStandings:
    """`idle_reason` says why this process runs no agents, None when it does; `has_scheduler` whether tasks fire when it
    does. May raise `StoreUnavailable`."""

    def __init__(
        self, store: Store, clock: Clock, idle_reason: Callable[[], str | None], *, has_scheduler: bool
    ) -> None:
        self._store = store
        self._clock = clock
        self._idle_reason = idle_reason
        self._has_scheduler = has_scheduler

    def tell(self, task: ScheduledTask, zone: ZoneInfo) -> str:
        """Some sentences for people, with instants in `zone`."""
        unsettled = self._store.tasks.list_unsettled(task.task_id)
        said = [self._schedule(task, zone), *(self._under_way(fire, zone) for fire in unsettled)]
        last = next((fire for fire in self._store.tasks.list_fires(task.task_id, 3) if fire not in unsettled), None)
        if last is not None:
            said.append(_end(last, zone))
        return " ".join(said)

    def _schedule(self, task: ScheduledTask, zone: ZoneInfo) -> str:
        match task.status:
            case TaskStatus.PAUSED:
                return "It is paused, and does not fire until it is resumed."
            case TaskStatus.COMPLETED:
                return "It is completed: it does not fire again."
        if task.next_run is None:
            return "It is active, with no further fire time."
        reason = self._idle_reason() if self._has_scheduler else _NO_SCHEDULER
        if reason is not None:
            return f"It is active, but nothing fires at present: {reason}. It is due at {_show(task.next_run, zone)}."
        return f"It is active and fires next at {_show(task.next_run, zone)}."

    def _under_way(self, fire: Fire, zone: ZoneInfo) -> str:
        which = f"The run that was asked for at {_show(fire.fire_at, zone)}" if fire.is_manual else _name(fire, zone)
        if fire.state is FireState.RUNNING:
            return f"{which} is at work: run {fire.run_id}."
        now = self._clock.now()
        if fire.not_before is not None and fire.not_before > now:
            tries = "once" if fire.attempts == 1 else f"{fire.attempts} times"
            return f"{which} has failed {tries}, and is tried again at {_show(fire.not_before, zone)}."
        reason = self._idle_reason()
        if reason is not None:
            return f"{which} waits, since nothing runs at present: {reason}."
        live = self._store.runs.list_live(fire.folder)
        if live:
            return f"{which} waits for the group's run {live[0].run_id} to end."
        return f"{which} waits for a slot. {self._line(fire, now)}"

    def _line(self, fire: Fire, now: datetime) -> str:
        """Who is at work, and who waits in front of it."""
        at_work = len(self._store.runs.list_live())
        people = self._store.groups.count_pending()
        before = self._store.chains.count_fires_waiting_before(fire.claimed_at, now)
        return (
            f"At work: {_count(at_work, 'run')}. Before it: {_count(people, 'group')} with requests of people, "
            f"{_count(before, 'fire')} of tasks."
        )


def zone_of(task: ScheduledTask, default: ZoneInfo) -> ZoneInfo:
    """The task's zone; `default` where a client of the wire API stored what is none."""
    try:
        return parse_zone(task.zone)
    except InvalidInput:
        return default


def _name(fire: Fire, zone: ZoneInfo) -> str:
    return f"Its fire of {_show(fire.fire_at, zone)}"


def _end(fire: Fire, zone: ZoneInfo) -> str:
    why = f": {REASONS.get(fire.reason, fire.reason)}" if fire.reason and fire.state in _WITH_REASON else ""
    return f"The last one, of {_show(fire.through, zone)}, {_ENDS[fire.state]}{why}."


def _show(instant: datetime, zone: ZoneInfo) -> str:
    return local_instant(instant, zone)


def _count(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
