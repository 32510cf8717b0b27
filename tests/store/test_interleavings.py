"""Two transactions open at once on one chat, on every engine."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event

from intercomd.domain.ids import Seq
from intercomd.domain.instants import to_epoch_ms
from intercomd.store.engine import Transaction
from intercomd.store.opening import StoreSettings, open_databases
from tests.store.household import KITCHEN, NOON, Household
from tests.support.waiting import wait_for


def test_a_reader_skips_nothing_when_the_first_writer_commits_last(
    house: Household, store_settings: StoreSettings
) -> None:
    """Order of numbers is order of commit: while one message is uncommitted, no later one is visible."""
    has_drawn, may_commit = Event(), Event()
    database, lease_database = open_databases(store_settings)

    def slow_ingest(transaction: Transaction) -> int:
        drawn = transaction.row(
            "draw_seq",
            chat_jid=KITCHEN,
            chat_name=None,
            channel="local",
            is_group=None,
            sent_at=to_epoch_ms(NOON),
            external_id="slow",
        )
        assert drawn is not None
        transaction.run(
            "add_message",
            chat_jid=KITCHEN,
            seq=drawn["last_seq"],
            external_id="slow",
            sender="u",
            sender_name="U",
            content="slow",
            sent_at=0,
            stored_at=0,
            kind="context",
            is_from_me=0,
        )
        has_drawn.set()
        wait_for(may_commit, "the reader has looked")
        return int(drawn["last_seq"])

    try:
        with ThreadPoolExecutor(2) as pool:
            slow = pool.submit(database.write, slow_ingest)
            wait_for(has_drawn, "the slow transaction has its number")
            fast = pool.submit(house.say, "fast", "fast")
            seen = house.contents()
            may_commit.set()
            assert (slow.result(), fast.result().seq) == (1, 2)
        assert seen == []
        assert [m.content for m in house.store.chats.history(KITCHEN, Seq(0), 10)] == ["slow", "fast"]
    finally:
        database.close()
        lease_database.close()
