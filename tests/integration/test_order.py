"""Messages are taken in the order in which they were stored, whatever their senders' clocks say."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from intercomd.domain.chat import IncomingMessage
from intercomd.domain.ids import ChatJid
from intercomd.store.opening import StoreSettings, open_store
from intercomd.store.ports import Store
from tests.integration.conftest import MakeDaemon
from tests.support.daemon import DaemonProcess, Settings

pytestmark = pytest.mark.full

SENT_AT = datetime(2026, 3, 1, 10, 0, tzinfo=UTC)


@pytest.fixture
def daemon(make_daemon: MakeDaemon, storage: Settings) -> DaemonProcess:
    return make_daemon({**storage, "orchestrator": {"enabled": True, "poll_interval_ms": 100}}).start()


@pytest.fixture
def other_process(daemon: DaemonProcess) -> Iterator[Store]:
    """The store as another process has it open: nobody tells the daemon what is written through it."""
    path = None if daemon.postgres_dsn else daemon.data_dir / "intercom.db"
    store = open_store(
        StoreSettings(assistant_name="Amtiskaw", main_folder="main", sqlite_path=path, postgres_dsn=daemon.postgres_dsn)
    )
    yield store
    store.close()


def test_second_message_of_the_same_instant_is_answered(daemon: DaemonProcess, other_process: Store) -> None:
    """Equal times hide nothing: the second message arrives after the first was taken (hazards B-06, B-08)."""
    daemon.client.ask("kitchen", "hello")
    write(other_process, "kitchen", "first", SENT_AT)
    assert daemon.client.wait_for_replies("kitchen", 2)[1] == "first"
    write(other_process, "kitchen", "second", SENT_AT)
    assert daemon.client.wait_for_replies("kitchen", 3) == ["hello", "first", "second"]


def test_message_with_an_older_time_is_answered(daemon: DaemonProcess, other_process: Store) -> None:
    """A message that was written long ago and arrives now is new, in its own chat and beside others (hazard B-07)."""
    daemon.client.ask("kitchen", "hello")
    daemon.client.ask("bath", "hello")
    write(other_process, "kitchen", "recent", SENT_AT)
    assert daemon.client.wait_for_replies("kitchen", 2)[1] == "recent"
    write(other_process, "kitchen", "late", SENT_AT - timedelta(hours=1))
    write(other_process, "bath", "later", SENT_AT - timedelta(days=1))
    assert daemon.client.wait_for_replies("kitchen", 3)[2] == "late"
    assert daemon.client.wait_for_replies("bath", 2)[1] == "later"


def test_text_that_looks_like_the_assistants_is_a_request(daemon: DaemonProcess, other_process: Store) -> None:
    """What is a bot message is known when it is stored, not read from its text (hazard B-14)."""
    daemon.client.ask("kitchen", "hello")
    write(other_process, "kitchen", "Amtiskaw: please remind me", SENT_AT)
    assert daemon.client.wait_for_replies("kitchen", 2)[1] == "Amtiskaw: please remind me"


def write(store: Store, chat: str, text: str, sent_at: datetime) -> None:
    """What a channel in another process does with a message it received."""
    message = IncomingMessage(
        chat_jid=ChatJid(f"local:{chat}"),
        external_id=text,
        sender="ada",
        sender_name="Ada",
        content=text,
        sent_at=sent_at,
        is_group=False,
    )
    store.chats.ingest(message, datetime.now(UTC))
