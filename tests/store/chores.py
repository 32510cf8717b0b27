"""A household with scheduled tasks: the group `cooks` has some, and the clock stands still until a test moves it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from intercomd.domain.events import EventCode
from intercomd.domain.ids import InputId, RunId, TaskId
from intercomd.domain.outbox import TextKind
from intercomd.domain.runs import OpenedRun, Outcome
from intercomd.domain.scheduled import Claimed, Fire, ScheduledTask
from tests.store.household import COOKS, KITCHEN, NOON, RUN, Household

BREAD = TaskId("bread")
TASK_INPUT = InputId("task-input")
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)


def hourly(task_id: TaskId = BREAD, **fields: object) -> ScheduledTask:
    """A task of every full hour that is due at noon; `fields` say what is different."""
    made = ScheduledTask(
        task_id=task_id,
        group_folder=COOKS,
        chat_jid=KITCHEN,
        prompt="bake bread",
        schedule_type="cron",
        schedule_value="0 * * * *",
        context_mode="isolated",
        next_run=NOON,
        last_run=None,
        last_result=None,
        status="active",
        created_at=NOON - HOUR,
        anchor_at=NOON - HOUR,
    )
    return replace(made, **fields)  # type: ignore[arg-type]


def once(task_id: TaskId = BREAD, **fields: object) -> ScheduledTask:
    """A task that fires at noon and never again."""
    return hourly(task_id, **({"schedule_type": "once", "schedule_value": "2026-01-31T12:00Z"} | fields))


class Chores(Household):
    """Short forms of what the store does with tasks."""

    def add(self, task: ScheduledTask) -> ScheduledTask:
        return self.store.tasks.add(task, "Uma", self.now)

    def task(self, task_id: TaskId = BREAD) -> ScheduledTask:
        return self.store.tasks.get(task_id)

    def claim_due(self, limit: int = 100) -> Claimed:
        return self.store.tasks.claim_due(self.dispatch, self.now, limit)

    def find_task_run(self, run_id: RunId = RUN, input_id: InputId = TASK_INPUT) -> OpenedRun | None:
        return self.store.runs.open_task_run(self.dispatch, COOKS, run_id, input_id, self.now)

    def open_task(self, run_id: RunId = RUN, input_id: InputId = TASK_INPUT) -> OpenedRun:
        opened = self.find_task_run(run_id, input_id)
        assert opened is not None, "no fire was ready"
        return opened

    def start(self, task: ScheduledTask) -> OpenedRun:
        """Add a due task, claim its fire and open its run."""
        self.add(task)
        self.claim_due()
        return self.open_task()

    def answer(self, text: str = "done", run_id: RunId = RUN) -> None:
        """The agent says something that answers its task."""
        self.record(run_id, replies=(text,), settles=(TASK_INPUT,))

    def end_failed(self, run_id: RunId = RUN) -> datetime | None:
        """The run ends without a word, with one more try left."""
        return self.end(run_id, Outcome.FAILED).retry_at

    def wait(self, delay: timedelta) -> datetime:
        self.now += delay
        return self.now

    def fire(self, task_id: TaskId = BREAD) -> Fire:
        """The newest fire of a task."""
        return self.store.tasks.list_fires(task_id, 1)[0]

    def fires(self, task_id: TaskId = BREAD) -> list[tuple[datetime, str, str | None]]:
        """Every row of a task's ledger, oldest first: fire time, state, reason."""
        rows = reversed(self.store.tasks.list_fires(task_id, 100))
        return [(fire.fire_at, fire.state.value, fire.reason) for fire in rows]

    def codes(self, task_id: TaskId = BREAD) -> list[EventCode]:
        """What was decided about a task, oldest first."""
        return [EventCode(event.code) for event in reversed(self.store.events.list_of_task(task_id, 100))]

    def notices(self) -> list[str]:
        """What the chat was told that is no reply, oldest first."""
        rows = self.store.outbox.list_recent(KITCHEN, 100)
        return [row.text for row in reversed(rows) if row.kind is TextKind.NOTICE]
