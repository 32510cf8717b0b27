"""Scheduled tasks and the log of their runs."""

from __future__ import annotations

from datetime import datetime, timedelta

from intercomd.domain.ids import Folder, TaskId
from intercomd.domain.instants import from_epoch_ms, to_epoch_ms
from intercomd.domain.scheduled import ScheduledTask, TaskChange, TaskRunLog
from intercomd.domain.text import clean
from intercomd.errors import NotFound, StoreConflict
from intercomd.store.engine import Database, Row, Transaction
from intercomd.store.rows import instant_or_none


class ScheduledTasksTable:
    """The `ScheduledTasks` port."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, task: ScheduledTask) -> None:
        def work(transaction: Transaction) -> None:
            added = transaction.row(
                "add_task",
                task_id=task.task_id,
                group_folder=task.group_folder,
                chat_jid=task.chat_jid,
                prompt=clean(task.prompt),
                schedule_type=clean(task.schedule_type),
                schedule_value=clean(task.schedule_value),
                context_mode=clean(task.context_mode),
                next_run=_milliseconds(task.next_run),
                status=clean(task.status),
                created_at=to_epoch_ms(task.created_at),
            )
            if added is None:
                raise StoreConflict(f"there is a task with the id {task.task_id} already")

        self._database.write(work)

    def find(self, task_id: TaskId) -> ScheduledTask | None:
        row = self._database.row("find_task", task_id=task_id)
        return None if row is None else _task_of(row)

    def list_all(self) -> list[ScheduledTask]:
        return [_task_of(row) for row in self._database.rows("list_tasks")]

    def list_of_group(self, folder: Folder) -> list[ScheduledTask]:
        return [_task_of(row) for row in self._database.rows("list_tasks_of_group", group_folder=folder)]

    def list_due(self, now: datetime) -> list[ScheduledTask]:
        return [_task_of(row) for row in self._database.rows("list_due_tasks", now=to_epoch_ms(now))]

    def change(self, task_id: TaskId, change: TaskChange) -> None:
        self._database.write(
            lambda transaction: transaction.run(
                "change_task",
                task_id=task_id,
                prompt=_clean(change.prompt),
                schedule_type=_clean(change.schedule_type),
                schedule_value=_clean(change.schedule_value),
                next_run=_milliseconds(change.next_run),
                status=_clean(change.status),
            )
        )

    def remove(self, task_id: TaskId) -> None:
        def work(transaction: Transaction) -> None:
            transaction.run("remove_task_logs", task_id=task_id)
            transaction.run("remove_task", task_id=task_id)

        self._database.write(work)

    def finish_run(self, task_id: TaskId, next_run: datetime | None, last_result: str, now: datetime) -> None:
        self._database.write(
            lambda transaction: transaction.run(
                "finish_task",
                task_id=task_id,
                next_run=_milliseconds(next_run),
                last_result=clean(last_result),
                now=to_epoch_ms(now),
            )
        )

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


def _clean(text: str | None) -> str | None:
    return None if text is None else clean(text)


def _milliseconds(instant: datetime | None) -> int | None:
    return None if instant is None else to_epoch_ms(instant)


def _task_of(row: Row) -> ScheduledTask:
    return ScheduledTask(
        task_id=row["id"],
        group_folder=row["group_folder"],
        chat_jid=row["chat_jid"],
        prompt=row["prompt"],
        schedule_type=row["schedule_type"],
        schedule_value=row["schedule_value"],
        context_mode=row["context_mode"],
        next_run=instant_or_none(row["next_run"]),
        last_run=instant_or_none(row["last_run"]),
        last_result=row["last_result"],
        status=row["status"],
        created_at=from_epoch_ms(row["created_at"]),
    )
