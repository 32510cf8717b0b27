"""Managing scheduled tasks: who may, what is allowed, and the one way into the store.

HTTP, the command line, chats, agents and the host all come by here. A group manages its own tasks, the main group and
the operator everybody's; a task of another group is refused with `PolicyRefused`, which tells nothing else of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from intercomd.clock import Clock
from intercomd.domain.ids import Folder, TaskId
from intercomd.domain.rights import Requester
from intercomd.domain.scheduled import Fire, ScheduledTask, TaskChange, TaskStatus
from intercomd.domain.schedules.preview import PreviewedFire, preview
from intercomd.domain.schedules.schedule import parse_schedule
from intercomd.domain.schedules.wording import schedule_in_words
from intercomd.domain.task_rules import (
    TaskDraft,
    TaskEdit,
    changed,
    first_fire,
    is_repeat,
    plan_edit,
    plan_pause,
    plan_resume,
    plan_task,
)
from intercomd.errors import NotFound, PolicyRefused, StoreConflict
from intercomd.store.ports import Store
from intercomd.store.task_ports import Answer

Answering = Callable[[ScheduledTask], Answer]
"""From a task as it will be to the reply that is stored together with the change."""


@dataclass(frozen=True, slots=True)
class TaskPolicy:
    """`default_zone` is that of tasks without one. `max_active` bounds a group's active tasks, and with them a
    mistake: two that are made at the same moment may both be the last."""

    default_zone: str
    max_active: int = 1000


@dataclass(frozen=True, slots=True)
class SchedulePreview:
    """What a schedule comes to: in words, its zone, and its next fire times with warnings."""

    words: str
    zone: str
    fires: tuple[PreviewedFire, ...]


class TaskDesk:
    """Every method may raise `StoreUnavailable`; asked again, the same call has the same effect once. `on_change` is
    called after whatever may have moved the next fire time; it must not block."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        new_id: Callable[[str], str],
        policy: TaskPolicy,
        on_change: Callable[[], None],
    ) -> None:
        self._store = store
        self._clock = clock
        self._new_id = new_id
        self._policy = policy
        self._on_change = on_change

    # -- looking --------------------------------------------------------------------------------------

    def preview(self, schedule_type: str, schedule_value: str, zone: str | None = None) -> SchedulePreview:
        """The next ten fire times of a schedule that nobody has saved; raises `InvalidInput` as `create` would."""
        now = self._clock.now()
        zone = self._policy.default_zone if zone is None else zone
        schedule = parse_schedule(schedule_type, schedule_value, zone, anchor=now)
        first_fire(schedule, schedule_value, now)
        return SchedulePreview(schedule_in_words(schedule_type, schedule_value), zone, preview(schedule, now))

    def get(self, requester: Requester, task_id: TaskId) -> ScheduledTask:
        """Raises `NotFound`, `PolicyRefused`."""
        task = self._store.tasks.get(task_id)
        _check_right(requester, task.group_folder, f"task {task_id}")
        return task

    def get_by_number(self, requester: Requester, folder: Folder, number: int) -> ScheduledTask:
        """Raises `NotFound`, `PolicyRefused`."""
        _check_right(requester, folder, f"task {number} of {folder}")
        task = self._store.tasks.find_by_number(folder, number)
        if task is None:
            raise NotFound(f"group {folder} has no task {number}")
        return task

    def list_tasks(
        self, requester: Requester, folder: Folder | None, limit: int, after: TaskId | None = None
    ) -> list[ScheduledTask]:
        """A page of tasks, completed ones included, in the order of their ids; of one group, or without `folder` of
        all that the requester may act on. Raises `PolicyRefused`."""
        return self._store.tasks.list_tasks(_visible(requester, folder), limit, after)

    def list_open(self, requester: Requester, folder: Folder | None, limit: int) -> list[ScheduledTask]:
        """The same for tasks that are not completed, by group and number."""
        return self._store.tasks.list_open(_visible(requester, folder), limit)

    def list_fires(self, requester: Requester, task_id: TaskId, limit: int) -> list[Fire]:
        """What became of a task's fire times, newest first."""
        return self._store.tasks.list_fires(self.get(requester, task_id).task_id, limit)

    # -- changing -------------------------------------------------------------------------------------

    def create(self, requester: Requester, draft: TaskDraft) -> ScheduledTask:
        """Save a task. The same draft with the same id again gives the task it made.

        Raises `InvalidInput`, `PolicyRefused` for another group, `NotFound` for one that is not registered, and
        `StoreConflict` for an id in use and for a group that has as many active tasks as it may.
        """
        _check_right(requester, draft.folder, f"group {draft.folder}")
        known = None if draft.task_id is None else self._find(draft.task_id)
        if known is not None:
            return self._repeated(draft, known)
        group = self._store.groups.get(draft.folder).group
        now = self._clock.now()
        task_id = draft.task_id or TaskId(self._new_id("t"))
        task = plan_task(draft, task_id, group.jid, self._policy.default_zone, now)
        self._check_room(task.group_folder, task.status)
        added = self._store.tasks.add(task, requester.name, now)
        self._on_change()
        return added

    def change(self, requester: Requester, task_id: TaskId, edit: TaskEdit) -> ScheduledTask:
        """Raises `InvalidInput`, `NotFound`, `PolicyRefused`, `StoreConflict`; rules: `domain.task_rules.plan_edit`."""
        task = self.get(requester, task_id)
        return self._apply(requester, task, plan_edit(task, edit, self._clock.now()), None)

    def pause(self, requester: Requester, task_id: TaskId, answering: Answering | None = None) -> ScheduledTask:
        """Let a task rest; what runs goes on, what is queued is skipped. Raises as `change`."""
        task = self.get(requester, task_id)
        return self._apply(requester, task, plan_pause(task), answering)

    def resume(self, requester: Requester, task_id: TaskId, answering: Answering | None = None) -> ScheduledTask:
        """Go on from now, without what was missed. Raises as `change`."""
        task = self.get(requester, task_id)
        return self._apply(requester, task, plan_resume(task, self._clock.now()), answering)

    def cancel(self, requester: Requester, task_id: TaskId, answering: Answering | None = None) -> ScheduledTask:
        """Remove a task for good and return what it was. Raises `NotFound`, `PolicyRefused`."""
        task = self.get(requester, task_id)
        answer = answering(task) if answering else None
        if not self._store.tasks.remove(task_id, requester.name, self._clock.now(), answer):
            raise NotFound(f"no task has the id {task_id}")
        self._on_change()
        return task

    def run_now(self, requester: Requester, task_id: TaskId, key: str) -> Fire:
        """Queue a fire beside the schedule, also of a task that rests; the same `key` again queues no second one.

        Raises `NotFound`, `PolicyRefused`, and `StoreConflict` while a fire of the task is queued or running."""
        self.get(requester, task_id)
        fire = self._store.tasks.run_now(task_id, key, requester.name, self._clock.now())
        self._on_change()
        return fire

    # -- both -----------------------------------------------------------------------------------------

    def _apply(
        self, requester: Requester, task: ScheduledTask, change: TaskChange, answering: Answering | None
    ) -> ScheduledTask:
        now = self._clock.now()
        after = changed(task, change)
        answer = answering(after) if answering else None
        if change == TaskChange():
            if answer is not None:
                self._store.outbox.enqueue([answer.reply], handled=answer.handled, now=now)
            return task
        self._check_room(task.group_folder, change.status)
        stored = self._store.tasks.change(task.task_id, change, requester.name, now, answer)
        self._on_change()
        return stored

    def _find(self, task_id: TaskId) -> ScheduledTask | None:
        try:
            return self._store.tasks.get(task_id)
        except NotFound:
            return None

    def _repeated(self, draft: TaskDraft, known: ScheduledTask) -> ScheduledTask:
        if not is_repeat(draft, known, self._policy.default_zone):
            raise StoreConflict(f"there is another task with the id {known.task_id} already")
        return known

    def _check_room(self, folder: Folder, status: str | None) -> None:
        """For a task that becomes active."""
        most = self._policy.max_active
        if status == TaskStatus.ACTIVE and self._store.tasks.count_active(folder) >= most:
            raise StoreConflict(f"group {folder} has {most} active tasks, and may have no more: pause or cancel some")


def _check_right(requester: Requester, folder: Folder, what: str) -> None:
    if not requester.may_act_on(folder):
        raise PolicyRefused(f"{what} is another group's; only the main group may act on it")


def _visible(requester: Requester, folder: Folder | None) -> Folder | None:
    """The group whose tasks are listed; None for all."""
    if folder is None:
        return None if requester.is_main else requester.folder
    _check_right(requester, folder, f"group {folder}")
    return folder
