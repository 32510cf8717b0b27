"""Every write survives a connection that breaks around its COMMIT: repeated, it leaves the state of a single call."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from intercomd.domain.agent_files import FileClaim, ToolAnswer
from intercomd.domain.chat import Group
from intercomd.domain.ids import ChatJid, DutyName, Epoch, Folder, InputId, OutboxId
from intercomd.domain.leases import IPC, Fence
from intercomd.domain.outbox import OutboxRow
from intercomd.domain.runs import Outcome, ProcessIdentity
from intercomd.errors import NotFound, StoreUnavailable
from intercomd.store.opening import StoreSettings, open_store
from intercomd.store.ports import FrameWrite, InputLimits
from intercomd.store.postgres_dsn import parse_dsn
from tests.store.chores import Chores
from tests.store.household import (
    COOKS,
    HOLDER,
    NOON,
    ONE_RETRY,
    OTHER,
    PROMPT,
    RUN,
    Household,
    message,
    reply,
)
from tests.support.cutting_proxy import CuttingProxy, Fault, cutting_proxy
from tests.support.postgres import PostgresServer

pytestmark = pytest.mark.full

_DATABASE = "ambiguous"
_TEXT = OutboxId("a")
_REPEATABLE = {
    "events": "at, code, chat_jid, folder, run_id, task_id, seq, detail",
    "task_run_logs": "task_id, run_at, duration_ms, status, result, error",
}
"""The columns of tables whose rows are numbered by the server."""
FILE = FileClaim("ipc-1", COOKS, "send_message", "digest")


def nothing(house: Household) -> None:
    """No preparation."""


def with_request(house: Household) -> None:
    house.say("1")


def with_run(house: Household) -> None:
    house.say("1")
    house.open()


def with_follow_up(house: Household) -> None:
    with_run(house)
    house.say("2")


def with_session(house: Household) -> None:
    with_run(house)
    house.record(session_id="s1")


def with_failure(house: Household) -> None:
    house.say("1")
    house.fail_for_good(1)
    house.say("2", "/retry")


def with_text(house: Household) -> None:
    house.store.outbox.enqueue([reply(_TEXT)], handled=None, now=NOON)


def with_claimed_text(house: Household) -> None:
    with_text(house)
    house.claim()


def claimed_text(house: Household) -> OutboxRow:
    """The claimed text, whatever became of it."""
    (row,) = house.store.outbox.list_recent(None, 1)
    return row


def with_stranded_text(house: Household) -> None:
    with_claimed_text(house)
    leases, duty = house.store.leases, house.delivery.duty
    leases.take(duty, leases.find(duty), OTHER)


def with_ipc(house: Household) -> None:
    with_run(house)
    house.store.leases.take(IPC, None, HOLDER)


def with_claimed_file(house: Household) -> None:
    with_ipc(house)
    house.store.agent_files.claim(Fence(IPC, Epoch(1)), FILE, NOON)


Call = Callable[[Chores], Any]

WRITES: dict[str, tuple[Callable[[Chores], None], Call]] = {
    "ingest": (nothing, lambda h: h.store.chats.ingest(message("new"), NOON).seq),
    "ingest edit": (with_request, lambda h: h.store.chats.ingest(message("1", "edited"), NOON)),
    "add": (nothing, lambda h: h.store.groups.add(Group(ChatJid("local:x"), "X", Folder("x")), NOON)),
    "open_run": (with_request, lambda h: h.open()),
    "record_start": (
        with_run,
        lambda h: h.store.runs.record_start(RUN, ProcessIdentity("p", "n", 1, 2), "/log", "echo", None, NOON),
    ),
    "open_follow_up": (
        with_follow_up,
        lambda h: h.store.runs.open_follow_up(RUN, InputId("input-2"), InputLimits(), NOON),
    ),
    "record_frame": (
        with_run,
        lambda h: h.store.runs.record_frame(
            FrameWrite(RUN, 0, h.progress().generation, ("a", "b"), (PROMPT,), "s", notice="n"), NOON
        ),
    ),
    "claim file": (with_ipc, lambda h: h.store.agent_files.claim(Fence(IPC, Epoch(1)), FILE, NOON).run_id),
    "settle file": (with_claimed_file, lambda h: h.store.agent_files.settle(FILE.key, ToolAnswer(True, "done"), NOON)),
    "mark effects": (with_run, lambda h: h.store.agent_files.mark_effects(COOKS)),
    "end_run retry": (with_run, lambda h: h.end(outcome=Outcome.FAILED)),
    "end_run gave up": (with_run, lambda h: h.end(outcome=Outcome.FAILED, policy=replace(ONE_RETRY, waits=()))),
    "cancel": (
        with_run,
        lambda h: replace(
            h.store.sessions.cancel(
                COOKS,
                key="k",
                clears_session=True,
                runtime=None,
                model="m",
                reply=reply("k"),
                handled=None,
                now=NOON,
            ),
            is_repeat=False,
        ),
    ),
    "lost session": (with_session, lambda h: h.record_lost("s1", frame=2)),
    "request_retry": (
        with_failure,
        lambda h: h.store.sessions.request_retry(COOKS, seq=h.progress().last_seq, reply=None, now=NOON),
    ),
    "enqueue": (nothing, lambda h: h.store.outbox.enqueue([reply("x"), reply("y")], handled=None, now=NOON)),
    "record_sent": (with_claimed_text, lambda h: h.store.outbox.record_sent([(_TEXT, ("1",))], NOON)),
    "record_failed": (with_claimed_text, lambda h: h.store.outbox.record_failed(claimed_text(h), "no", NOON)),
    "postpone": (
        with_claimed_text,
        lambda h: h.store.outbox.postpone(claimed_text(h), NOON + timedelta(seconds=1), "429", NOON),
    ),
    "record_unknown": (
        with_claimed_text,
        lambda h: h.store.outbox.record_unknown(claimed_text(h), "reset", resends=True, now=NOON),
    ),
    "take": (nothing, lambda h: h.store.leases.take(DutyName("d"), None, HOLDER)),
    "release": (nothing, lambda h: h.store.leases.release(h.dispatch.duty, h.dispatch.epoch)),
}


@dataclass
class Bench:
    """A household prepared without faults, and the same one behind the proxy."""

    server: PostgresServer
    proxy: CuttingProxy

    def settings(self, *, through_proxy: bool) -> StoreSettings:
        dsn = self.server.dsn(_DATABASE)
        if through_proxy:
            target = parse_dsn(dsn)
            dsn = f"host=127.0.0.1 port={self.proxy.port} user={target.user} dbname={target.database}"
            dsn += "" if target.password is None else f" password='{target.password}'"
        return StoreSettings(assistant_name="Ada", main_folder="main", postgres_dsn=dsn)

    def play(self, prepare: Callable[[Chores], None], call: Call, fault: Fault | None) -> tuple[Any, Any]:
        """Run `call` on a prepared house, through `fault` if there is one; its answer and the state it leaves."""
        self.server.delete_rows(_DATABASE)
        store = open_store(self.settings(through_proxy=False))
        try:
            house = Chores(store)
            prepare(house)
        finally:
            store.close()
        house.store = open_store(self.settings(through_proxy=True))
        try:
            house.store.leases.find(house.dispatch.duty)
            if fault is not None:
                self.proxy.arm(fault)
                with pytest.raises(StoreUnavailable):
                    call(house)
                assert self.proxy.has_cut.is_set()
            return call(house), self.dump()
        finally:
            house.store.close()

    def dump(self) -> dict[str, list[list[Any]]]:
        """Every table's rows, without numbers that a rolled back try uses up."""
        state = {}
        with self.server.connection(_DATABASE) as connection:
            for (table,) in connection.run("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"):
                columns = _REPEATABLE.get(table, "*")
                state[table] = sorted(connection.run(f"SELECT {columns} FROM {table}"), key=repr)
        return state


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
def test_write_counts_once_when_its_commit_is_cut(bench: Bench, name: str, fault: Fault) -> None:
    """The caller hears that the store is away, repeats, and gets the answer and the state of a single call."""
    prepare, call = WRITES[name]
    assert bench.play(prepare, call, fault) == bench.play(prepare, call, None)


@pytest.mark.parametrize("fault", [Fault.LOSE_COMMIT, Fault.LOSE_ANSWER])
def test_claim_is_found_again_when_its_commit_is_cut(bench: Bench, fault: Fault) -> None:
    """A claim whose answer was lost has marked the text once; `list_sending` shows it to its owner."""

    def claim_or_find(house: Household) -> list[str]:
        rows = house.claim() or house.store.outbox.list_sending("local")
        return [row.outbox_id for row in rows]

    assert bench.play(with_text, claim_or_find, fault) == bench.play(with_text, claim_or_find, None)


@pytest.mark.parametrize("fault", [Fault.LOSE_COMMIT, Fault.LOSE_ANSWER])
def test_remove_leaves_no_group_when_its_commit_is_cut(bench: Bench, fault: Fault) -> None:
    """A removal is repeated until the group is gone, which the second try may find to be so."""

    def remove(house: Household) -> None:
        with suppress(NotFound):
            house.store.groups.remove(COOKS, NOON)

    assert bench.play(nothing, remove, fault) == bench.play(nothing, remove, None)


@pytest.mark.parametrize("fault", [Fault.LOSE_COMMIT, Fault.LOSE_ANSWER])
def test_rescue_frees_a_text_once_when_its_commit_is_cut(bench: Bench, fault: Fault) -> None:
    """The count may be of the second try; the text is pending once more, marked once."""

    def rescue(house: Household) -> None:
        fence = Fence(house.delivery.duty, Epoch(2))
        house.store.outbox.rescue(fence, "local", is_idempotent=False, resends=True, now=NOON)

    assert bench.play(with_stranded_text, rescue, fault) == bench.play(with_stranded_text, rescue, None)


def test_renew_says_the_lease_is_ours_when_its_commit_is_cut(bench: Bench) -> None:
    """A renewal may count twice, which only shows that its owner lives."""
    answer, _ = bench.play(nothing, lambda h: h.store.leases.renew(h.dispatch.duty, Epoch(1)), Fault.LOSE_ANSWER)
    assert answer is True
