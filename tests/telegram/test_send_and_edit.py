"""`/v1/telegram/send` and `/edit`: stored first, sent once, answered in time (hazards B-38, B-40, B-41, B-95)."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from intercomd.channels.telegram import relay
from intercomd.domain.chat import MessageKind
from intercomd.domain.ids import ChatJid
from intercomd.domain.outbox import OutboxState
from tests.support.fake_bot_api import Answer, Hold, LoseAnswer, refusal, too_many_requests
from tests.support.waiting import wait_for
from tests.telegram.conftest import Daemon

pytestmark = pytest.mark.full  # real waits of a second and more

FAMILY = "tg:-100"
REFUSED = refusal(400, "Bad Request: chat not found")
FAILURE = {
    "ok": False,
    "message_ids": [],
    "chunks_planned": 0,
    "chunks_sent": 0,
    "chunk_lengths": [],
    "parity": {"max_chars_per_chunk": 4096, "all_chunks_within_limit": True},
}


def send(daemon: Daemon, text: str) -> dict[str, object]:
    return daemon.ask("send", {"jid": FAMILY, "text": text})


def test_text_is_sent_in_pieces_and_the_answer_has_their_ids(daemon: Daemon) -> None:
    """The answer's keys, their order and the lengths are those of original.md §5.3 and §19."""
    answer = send(daemon, "a" * 9005)
    assert list(answer) == [*("ok", "error", "message_ids", "chunks_planned", "chunks_sent", "chunk_lengths", "parity")]
    assert answer == {
        "ok": True,
        "error": None,
        "message_ids": ["1", "2", "3"],
        "chunks_planned": 3,
        "chunks_sent": 3,
        "chunk_lengths": [4096, 4096, 813],
        "parity": {"max_chars_per_chunk": 4096, "all_chunks_within_limit": True},
    }
    assert [len(text) for text in daemon.fake.texts(-100)] == [4096, 4096, 813]


def test_sent_text_is_in_the_chat_log(daemon: Daemon) -> None:
    """What people read is what the next prompt knows, and it is ours."""
    send(daemon, "dinner is ready")
    (message,) = daemon.store.chats.recent(ChatJid(FAMILY), 5)
    assert (message.content, message.kind) == ("dinner is ready", MessageKind.BOT)


def test_refused_text_is_reported_with_telegrams_words(daemon: Daemon) -> None:
    """Only when nothing was or will be sent is the answer not ok."""
    daemon.fake.plan("sendMessage", REFUSED)
    assert send(daemon, "hello") == FAILURE | {"error": "Bad Request: chat not found"}
    assert daemon.fake.messages == []


def test_partly_refused_text_is_ok_with_what_was_sent(daemon: Daemon) -> None:
    """The host would send all of it again otherwise, and people read the first piece twice (hazard B-41)."""
    daemon.fake.plan("sendMessage", Hold(release=released()), REFUSED)
    answer = send(daemon, "a" * 5000)
    assert (answer["ok"], answer["message_ids"], answer["chunks_planned"]) == (True, ["1"], 2)


def released() -> threading.Event:
    event = threading.Event()
    event.set()
    return event


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"jid": FAMILY, "text": " \n "}, "cannot send an empty Telegram message"),
        ({"jid": "@channel", "text": "x"}, "'@channel' is no Telegram chat: write tg: and the chat's number"),
    ],
)
def test_text_that_cannot_be_sent_is_refused(daemon: Daemon, body: dict[str, str], error: str) -> None:
    """A blank text and a chat that is none reach neither the store nor Telegram (hazard B-124)."""
    assert daemon.ask("send", body) == FAILURE | {"error": error}
    assert daemon.fake.calls.values == []
    assert daemon.store.outbox.list_recent(None, 5) == []


@pytest.mark.usefixtures("quick_answers")
def test_slow_telegram_is_answered_in_time_and_the_rest_follows(daemon: Daemon) -> None:
    """Before the host gives up it hears ok with the ids so far; the outbox sends the rest, once (hazard B-95)."""
    hold = Hold()
    daemon.fake.plan("sendMessage", Hold(release=released()), hold)
    answer = send(daemon, "a" * 5000)
    assert (answer["ok"], answer["message_ids"], answer["chunks_sent"]) == (True, ["1"], 1)
    hold.release.set()
    daemon.wait_until_sent(ChatJid(FAMILY), 2)
    assert [len(text) for text in daemon.fake.texts(-100)] == [4096, 904]


@pytest.mark.usefixtures("quick_answers")
def test_equal_request_joins_the_unfinished_one(daemon: Daemon) -> None:
    """A blind repeat while the first is under way sends nothing more."""
    hold = Hold()
    daemon.fake.plan("sendMessage", hold)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(send, daemon, "hello")
        wait_for(hold.reached, "the first is with Telegram")
        second = pool.submit(send, daemon, "hello")
        assert second.result()["ok"]
        assert first.result()["ok"]
    hold.release.set()
    assert daemon.fake.texts(-100) == ["hello"]
    assert len(daemon.store.outbox.list_recent(None, 5)) == 1


def test_text_waits_when_telegram_asks_for_it(daemon: Daemon) -> None:
    """429 delays by Telegram's own time, and the text is sent once."""
    daemon.fake.plan("sendMessage", too_many_requests(1))
    assert send(daemon, "hello")["message_ids"] == ["1"]
    assert daemon.fake.texts(-100) == ["hello"]


def test_text_whose_answer_was_lost_is_sent_again_with_a_mark(daemon: Daemon) -> None:
    """The one window in which a text may double is visible to people; the caller is told ok."""
    daemon.fake.plan("sendMessage", LoseAnswer())
    assert send(daemon, "hello")["ok"]
    daemon.fake.calls.wait_for_count(2)
    assert daemon.fake.texts(-100) == ["hello", "(may be a duplicate)\nhello"]


@pytest.mark.usefixtures("quick_answers")
def test_text_is_kept_while_the_lease_is_elsewhere(daemon: Daemon) -> None:
    """Another process delivers for the channel: this one stores, says ok and sends nothing."""
    daemon.lease.lost()
    answer = send(daemon, "hello")
    assert (answer["ok"], answer["chunks_sent"]) == (True, 0)
    assert daemon.fake.calls.values == []
    (row,) = daemon.store.outbox.list_recent(None, 5)
    assert row.state is OutboxState.PENDING


def test_store_that_is_away_is_no_refusal(daemon: Daemon) -> None:
    """Nothing stored, nothing sent: 503, and the caller does it itself."""
    daemon.store.close()
    status, problem = daemon.post("send", {"jid": FAMILY, "text": "hello"})
    assert (status, problem["status"]) == (503, 503)
    assert daemon.fake.calls.values == []


def test_edit_changes_the_text_and_cuts_it(daemon: Daemon) -> None:
    """The answer has the known keys; a long text is cut, and said to be."""
    send(daemon, "hello")
    assert daemon.ask("edit", {"jid": FAMILY, "message_id": "1", "text": "b" * 5000}) == {
        "ok": True,
        "error": None,
        "truncated": True,
        "parity_max_chars": 4096,
    }
    assert daemon.fake.texts(-100) == ["b" * 4096]


@pytest.mark.parametrize(
    ("message_id", "text", "step", "error"),
    [
        ("1", "hello", None, "Bad Request: message is not modified"),
        ("x", "new", None, "invalid message_id `x`"),
        ("-1", "new", None, "invalid message_id `-1`"),
        ("1", "new", LoseAnswer(), "failed to call Telegram editMessageText"),
        ("1", "new", Answer(200, b"<"), "failed to parse Telegram editMessageText response"),
        ("1", "new", Answer(400, b'{"ok":false}'), "Telegram editMessageText returned ok=false"),
    ],
)
def test_edit_that_fails_says_why(
    daemon: Daemon, message_id: str, text: str, step: Answer | LoseAnswer | None, error: str
) -> None:
    """The wordings are those that clients know."""
    send(daemon, "hello")
    if step is not None:
        daemon.fake.plan("editMessageText", step)
    answer = daemon.ask("edit", {"jid": FAMILY, "message_id": message_id, "text": text})
    assert not answer["ok"]
    assert answer["error"].startswith(error)
    assert answer["truncated"] is False


@pytest.fixture
def quick_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Callers are answered within half a second instead of four."""
    monkeypatch.setattr(relay, "ANSWER_WITHIN", relay.ANSWER_WITHIN / 8)
