"""Scheduled tasks and the ledger of their fires."""

from __future__ import annotations

from datetime import datetime, timedelta

from intercomd.domain.events import EventCode
from intercomd.domain.ids import Folder, TaskId
from intercomd.domain.instants import from_epoch_ms, to_epoch_ms
from intercomd.domain.leases import Fence
from intercomd.domain.scheduled import Claimed, Fire, ReadyTask, ScheduledTask, TaskChange
from intercomd.domain.text import clean
from intercomd.errors import NotFound, StoreConflict
from intercomd.store.engine import Database, Row, Transaction
from intercomd.store.outbox_table import add_texts, mark_handled
from intercomd.store.ports import RetryPolicy
from intercomd.store.rows import fire_of, instant_or_none, ready_task_of, task_of
from intercomd.store.task_changes import add_task, change_task, remove_task
from intercomd.store.task_claims import claim_due
from intercomd.store.task_fires import NewFire, enter_fire
from intercomd.store.task_ports import Answer
from intercomd.store.task_rewinding import rewind

_MILLISECOND = timedelta(milliseconds=1)


class TasksTable:
    """The `Tasks` port. `default_zone` is that of rows without a zone of their own."""

    def __init__(self, database: Database, retry: RetryPolicy, default_zone: str) -> None:
        self._database = database
        self._longest_wait = retry.longest_wait
        self._default_zone = default_zone

    def add(self, task: ScheduledTask, who: str, now: datetime) -> ScheduledTask:
        return self._database.write(lambda transaction: self._add(transaction, task, who, now))

    def get(self, task_id: TaskId) -> ScheduledTask:
        row = self._database.row("find_task", task_id=task_id)
        if row is None:
            raise _unknown(task_id)
        return self._task_of(row)

    def find_by_number(self, folder: Folder, number: int) -> ScheduledTask | None:
        row = self._database.row("find_task_by_number", folder=folder, number=number)
        return None if row is None else self._task_of(row)

    def list_tasks(self, folder: Folder | None, limit: int, after: TaskId | None = None) -> list[ScheduledTask]:
        start = "" if after is None else after
        if folder is None:
            rows = self._database.rows("list_tasks_after", after=start, limit=limit)
        else:
            rows = self._database.rows("list_tasks_of_group_after", folder=folder, after=start, limit=limit)
        return [self._task_of(row) for row in rows]

    def list_open(self, folder: Folder | None, limit: int) -> list[ScheduledTask]:
        if folder is None:
            rows = self._database.rows("list_open_tasks", limit=limit)
        else:
            rows = self._database.rows("list_open_tasks_of_group", folder=folder, limit=limit)
        return [self._task_of(row) for row in rows]

    def count_active(self, folder: Folder) -> int:
        (row,) = self._database.rows("count_active_tasks", folder=folder)
        return int(row["count"])

    def change(
        self, task_id: TaskId, change: TaskChange, who: str, now: datetime, answer: Answer | None = None
    ) -> ScheduledTask:
        def work(transaction: Transaction) -> ScheduledTask:
            row = _lock_task(transaction, task_id)
            if not _is_answered(transaction, answer):
                row = change_task(transaction, row, change, self._default_zone, who, now)
                _store_answer(transaction, answer, now)
            return self._task_of(row)

        return self._database.write(work)

    def remove(self, task_id: TaskId, who: str, now: datetime, answer: Answer | None = None) -> bool:
        def work(transaction: Transaction) -> bool:
            row = transaction.row("lock_task", task_id=task_id)
            if row is None or _is_answered(transaction, answer):
                return False
            remove_task(transaction, row, who, now)
            _store_answer(transaction, answer, now)
            return True

        return self._database.write(work)

    def run_now(self, task_id: TaskId, key: str, who: str, now: datetime) -> Fire:
        return self._database.write(lambda transaction: _run_now(transaction, task_id, clean(key), who, now))

    def claim_due(self, fence: Fence, now: datetime, limit: int) -> Claimed:
        return self._database.write(
            lambda transaction: claim_due(transaction, fence, self._default_zone, now, limit)
        )

    def rewind(self, fence: Fence, now: datetime, limit: int) -> int:
        return self._database.write(lambda transaction: rewind(transaction, fence, self._default_zone, now, limit))

    def list_ready(self, now: datetime, limit: int) -> list[ReadyTask]:
        rows = self._database.rows(
            "list_ready_tasks", now=to_epoch_ms(now), latest=to_epoch_ms(now + self._longest_wait), limit=limit
        )
        return [ready_task_of(row) for row in rows]

    def next_wake_at(self, now: datetime) -> datetime | None:
        (task,) = self._database.rows("next_task_at")
        (fire,) = self._database.rows(
            "next_fire_retry_at", now=to_epoch_ms(now), latest=to_epoch_ms(now + self._longest_wait)
        )
        instants = [row["instant"] for row in (task, fire) if row["instant"] is not None]
        return instant_or_none(min(instants, default=None))

    def list_fires(self, task_id: TaskId, limit: int) -> list[Fire]:
        return [fire_of(row) for row in self._database.rows("list_fires", task_id=task_id, limit=limit)]

    def list_unsettled(self, task_id: TaskId) -> list[Fire]:
        return [fire_of(row) for row in self._database.rows("list_unsettled_fires", task_id=task_id)]

    def count_fires(self) -> dict[str, int]:
        counted = {row["state"]: int(row["count"]) for row in self._database.rows("count_fires")}
        return {"queued": 0, "running": 0} | counted

    def _task_of(self, row: Row) -> ScheduledTask:
        return task_of(row, self._default_zone)

    def _add(self, transaction: Transaction, task: ScheduledTask, who: str, now: datetime) -> ScheduledTask:
        known = transaction.row("find_task", task_id=task.task_id)
        if known is not None:
            found = self._task_of(known)
            if not _is_same(found, task):
                raise StoreConflict(f"there is another task with the id {task.task_id} already")
            return found
        if transaction.row("find_jid_of_folder", folder=task.group_folder) is None:
            raise NotFound(f"no group has the folder {task.group_folder}")
        return self._task_of(add_task(transaction, task, who, now))


def _unknown(task_id: TaskId) -> NotFound:
    return NotFound(f"no task has the id {task_id}")


def _lock_task(transaction: Transaction, task_id: TaskId) -> Row:
    row = transaction.row("lock_task", task_id=task_id)
    if row is None:
        raise _unknown(task_id)
    return row


def _is_same(known: ScheduledTask, task: ScheduledTask) -> bool:
    """Whether both say what is to be done, where and when; what became of the task since does not count."""

    def essence(one: ScheduledTask) -> tuple[str, ...]:
        schedule = (one.schedule_type, one.schedule_value, one.zone, one.misfire, one.overlap)
        return (one.group_folder, one.chat_jid, one.prompt, one.context_mode, *schedule)

    return essence(known) == tuple(clean(text) for text in essence(task))


def _is_answered(transaction: Transaction, answer: Answer | None) -> bool:
    if answer is None:
        return False
    chat_jid, seq = answer.handled
    message = transaction.row("find_message", chat_jid=chat_jid, seq=seq)
    return message is not None and message["handled_at"] is not None


def _store_answer(transaction: Transaction, answer: Answer | None, now: datetime) -> None:
    if answer is not None:
        add_texts(transaction, [answer.reply], now)
        mark_handled(transaction, answer.handled, now)


def _run_now(transaction: Transaction, task_id: TaskId, key: str, who: str, now: datetime) -> Fire:
    task = _lock_task(transaction, task_id)
    known = transaction.row("find_fire_by_key", task_id=task_id, manual_key=key)
    if known is not None:
        return fire_of(known)
    group = transaction.row("find_jid_of_folder", folder=task["group_folder"])
    if group is None or group["jid"] != task["chat_jid"]:
        raise NotFound(f"the chat {task['chat_jid']} is no group with the folder {task['group_folder']} any more")
    if unsettled := transaction.rows("list_unsettled_fires", task_id=task_id):
        raise StoreConflict(f"task {task['number']} is {unsettled[0]['state']} already")
    fire_at = from_epoch_ms(to_epoch_ms(now))
    while not enter_fire(
        transaction,
        task,
        NewFire(fire_at=fire_at, through=fire_at, manual_key=key),
        EventCode.TASK_RUN_ASKED,
        now,
        who=who,
    ):
        fire_at += _MILLISECOND
    entered = transaction.row("find_fire_by_key", task_id=task_id, manual_key=key)
    assert entered is not None
    return fire_of(entered)
