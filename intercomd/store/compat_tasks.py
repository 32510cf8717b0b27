"""Scheduled tasks and the log of their runs, as clients of the wire API see them."""

from __future__ import annotations

from datetime import datetime, timedelta

from intercomd.domain.events import EventCode
from intercomd.domain.ids import Folder, TaskId
from intercomd.domain.instants import to_epoch_ms
from intercomd.domain.scheduled import ScheduledTask, TaskRunLog
from intercomd.domain.text import clean
from intercomd.errors import NotFound
from intercomd.store.engine import Database, Row, Transaction
from intercomd.store.rows import task_of
from intercomd.store.task_fires import record_task_event

_WHO = "at a scheduler of the wire API"


class ScheduledTasksTable:
    """The `ScheduledTasks` port. `default_zone` is that of rows without a zone of their own."""

    def __init__(self, database: Database, default_zone: str) -> None:
        self._database = database
        self._default_zone = default_zone

    def find(self, task_id: TaskId) -> ScheduledTask | None:
        row = self._database.row("find_task", task_id=task_id)
        return None if row is None else self._task_of(row)

    def list_all(self) -> list[ScheduledTask]:
        return [self._task_of(row) for row in self._database.rows("list_tasks")]

    def list_of_group(self, folder: Folder) -> list[ScheduledTask]:
        return [self._task_of(row) for row in self._database.rows("list_tasks_of_group", group_folder=folder)]

    def list_due(self, now: datetime) -> list[ScheduledTask]:
        return [self._task_of(row) for row in self._database.rows("list_due_tasks", now=to_epoch_ms(now))]

    def finish_run(self, task_id: TaskId, next_run: datetime | None, last_result: str, now: datetime) -> None:
        def work(transaction: Transaction) -> None:
            task = transaction.row("lock_task", task_id=task_id)
            if task is None:
                return
            transaction.run(
                "finish_task",
                task_id=task_id,
                next_run=None if next_run is None else to_epoch_ms(next_run),
                last_result=clean(last_result),
                now=to_epoch_ms(now),
            )
            record_task_event(transaction, EventCode.TASK_RAN, task, now, detail=_WHO)
            if next_run is None:
                record_task_event(transaction, EventCode.TASK_COMPLETED, task, now, detail=_WHO)

        self._database.write(work)

    def log_run(self, log: TaskRunLog) -> None:
        def work(transaction: Transaction) -> None:
            if transaction.row("lock_task", task_id=log.task_id) is None:
                raise NotFound(f"no task has the id {log.task_id}")
            transaction.run(
                "add_task_log",
                task_id=log.task_id,
                run_at=to_epoch_ms(log.run_at),
                duration_ms=log.duration // timedelta(milliseconds=1),
                status=clean(log.status),
                result=_clean(log.result),
                error=_clean(log.error),
            )

        self._database.write(work)

    def _task_of(self, row: Row) -> ScheduledTask:
        return task_of(row, self._default_zone)


def _clean(text: str | None) -> str | None:
    return None if text is None else clean(text)
