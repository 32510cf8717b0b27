"""Every write about scheduled tasks survives a connection that breaks around its COMMIT, as those about runs do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from intercomd.domain.ids import Folder
from intercomd.domain.runs import Outcome
from intercomd.domain.scheduled import TaskChange
from intercomd.errors import NotFound
from intercomd.store.postgres_dsn import parse_dsn
from intercomd.store.task_ports import Answer
from tests.store.chores import BREAD, HOUR, TASK_INPUT, Chores, hourly, once
from tests.store.household import COOKS, KITCHEN, NOON, reply
from tests.store.test_ambiguous_commits import Bench, Call
from tests.support.cutting_proxy import Fault, cutting_proxy
from tests.support.postgres import PostgresServer

pytestmark = pytest.mark.full

_DATABASE = "ambiguous"


def nothing(chores: Chores) -> None:
    """No preparation."""


def with_task(chores: Chores) -> None:
    chores.add(hourly())


def with_command(chores: Chores) -> None:
    with_task(chores)
    chores.say("1", "/pause 1")


def with_claims_ahead(chores: Chores) -> None:
    """The clock was a day ahead when the task was claimed."""
    with_task(chores)
    chores.wait(24 * HOUR)
    chores.claim_due()
    chores.wait(-24 * HOUR)


def with_queued_fire(chores: Chores) -> None:
    with_task(chores)
    chores.claim_due()


def with_broken_task(chores: Chores) -> None:
    chores.say("1")
    chores.add(hourly(schedule_value="never"))


def with_run(chores: Chores) -> None:
    chores.start(hourly())


def with_run_of_once(chores: Chores) -> None:
    chores.start(once())


def with_reply(chores: Chores) -> None:
    with_run(chores)
    chores.record(replies=("half",))


def with_answer(chores: Chores) -> None:
    with_run(chores)
    chores.answer()


def stop(chores: Chores) -> None:
    chores.store.sessions.cancel(
        COOKS, key="k", clears_session=True, runtime=None, model=None, reply=reply("k"), handled=None, now=NOON
    )


def remove(chores: Chores) -> None:
    """The second try may find that there is nothing to remove."""
    chores.store.tasks.remove(BREAD, "Uma", NOON)


def remove_group(chores: Chores) -> None:
    with suppress(NotFound):
        chores.store.groups.remove(COOKS, NOON)


def claim(chores: Chores) -> None:
    """The second try may find nothing due."""
    chores.claim_due()


def rewind(chores: Chores) -> None:
    """The second try may find nothing left."""
    chores.store.tasks.rewind(chores.dispatch, chores.now, 10)


def pause(chores: Chores) -> None:
    answer = Answer(reply("a"), (KITCHEN, chores.progress().last_seq))
    chores.store.tasks.change(BREAD, TaskChange(status="paused", prompt="x"), "Uma", NOON, answer)


WRITES: dict[str, tuple[Callable[[Chores], None], Call]] = {
    "add": (nothing, lambda c: c.add(hourly())),
    "change": (with_queued_fire, lambda c: c.store.tasks.change(BREAD, TaskChange(zone="Asia/Tokyo"), "Uma", NOON)),
    "change with its answer": (with_command, pause),
    "remove": (with_queued_fire, remove),
    "run_now": (with_task, lambda c: c.store.tasks.run_now(BREAD, "k", "Uma", NOON + HOUR)),
    "claim_due": (with_task, claim),
    "claim_due pauses": (with_broken_task, claim),
    "rewind": (with_claims_ahead, rewind),
    "open_task_run": (with_queued_fire, lambda c: c.open_task()),
    "record_frame": (with_run, lambda c: c.record(replies=("a", "b"), settles=(TASK_INPUT,), session_id="s")),
    "end_run ran": (with_answer, lambda c: c.end()),
    "end_run retry": (with_run, lambda c: c.end(outcome=Outcome.FAILED)),
    "end_run orphaned": (with_run, lambda c: c.end(outcome=Outcome.ORPHANED)),
    "end_run drained": (with_reply, lambda c: c.end(outcome=Outcome.DRAINED)),
    "end_run failed": (with_reply, lambda c: c.end(outcome=Outcome.FAILED)),
    "end_run of once": (with_run_of_once, lambda c: c.end(outcome=Outcome.STOPPED)),
    "cancel": (with_run, stop),
    "replace": (with_run, lambda c: c.store.sessions.replace(COOKS, "new", NOON) in (True, False)),
    "remove group": (with_queued_fire, remove_group),
    "move group": (with_queued_fire, lambda c: c.register(Folder("bakers"), KITCHEN).folder),
}


@pytest.fixture(scope="module")
def database(postgres_server: PostgresServer) -> PostgresServer:
    """The server with this module's database on it."""
    postgres_server.create_database(_DATABASE)
    return postgres_server


@pytest.fixture
def bench(database: PostgresServer) -> Iterator[Bench]:
    """A proxy in front of the server."""
    target = parse_dsn(database.url)
    with cutting_proxy((target.host, target.port)) as proxy:
        yield Bench(database, proxy)


@pytest.mark.parametrize("fault", [Fault.LOSE_COMMIT, Fault.LOSE_ANSWER])
@pytest.mark.parametrize("name", WRITES)
def test_write_about_tasks_counts_once_when_its_commit_is_cut(bench: Bench, name: str, fault: Fault) -> None:
    """The caller hears that the store is away, repeats, and gets the answer and the state of a single call."""
    prepare, call = WRITES[name]
    assert bench.play(prepare, call, fault) == bench.play(prepare, call, None)
