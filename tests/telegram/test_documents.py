"""Files on their way to Telegram: what arrives, what a failure means for them, and that none holds up its chat."""

from __future__ import annotations

import random
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from intercomd.channels.live import LiveBoard
from intercomd.channels.telegram.bot_api import HttpBotApi
from intercomd.channels.telegram.failures import BotApiError
from intercomd.channels.telegram.sender import TelegramSender
from intercomd.domain.chat import IncomingMessage
from intercomd.domain.ids import ChatJid, Epoch, OutboxId
from intercomd.domain.mailbox import DeliverTexts, OutboxFilled, TextNotDelivered
from intercomd.domain.outbox import Attachment, NewText, OutboxRow, OutboxState, TextKind
from intercomd.ipc.outbox_files import OutboxFiles
from tests.support.fake_bot_api import TOKEN, Answer, FakeBotApi, LoseAnswer, Step, refusal, too_many_requests
from tests.support.waiting import DEADLINE_SECONDS, join
from tests.telegram.conftest import Daemon

CHAT = "-100"
FAMILY = ChatJid(f"tg:{CHAT}")
NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
NAME = "Menü für Sonntag.pdf"
CONTENT = random.Random(1).randbytes(300_000) + b"\r\n--"
LARGE = bytes(20_000_000)
TOO_LARGE = "Request Entity Too Large"


@contextmanager
def deaf_server(*, hangs: bool) -> Iterator[str]:
    """Takes a connection and reads the first bytes of a request; then it `hangs`, or breaks the connection."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        over = threading.Event()

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.settimeout(DEADLINE_SECONDS)
                connection.recv(1000)
                if hangs:
                    over.wait(DEADLINE_SECONDS)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}"
        finally:
            over.set()
            join(thread)


def test_document_arrives_byte_for_byte(fake: FakeBotApi, bot: HttpBotApi) -> None:
    """With its name, umlauts and all; a caption is shown below."""
    assert bot.send_document(CHAT, NAME, CONTENT) == 1
    assert bot.send_document(CHAT, "x", b"x", caption="see") == 2
    assert [(message.document, message.text) for message in fake.messages] == [
        ((NAME, CONTENT), ""),
        (("x", b"x"), "see"),
    ]


@pytest.mark.parametrize(
    ("step", "is_permanent", "may_have_arrived"),
    [
        (refusal(413, TOO_LARGE), True, False),
        (Answer(413, b"<html>"), True, False),
        (refusal(400, "Bad Request: chat not found"), True, False),
        (too_many_requests(7), False, False),
        (refusal(502, "Bad Gateway"), False, True),
        (LoseAnswer(), False, True),
    ],
)
def test_failure_says_what_became_of_the_document(
    fake: FakeBotApi, bot: HttpBotApi, step: Step, is_permanent: bool, may_have_arrived: bool
) -> None:
    """As for a text; a file that is too large stays so, whoever in front of the API says it."""
    fake.plan("sendDocument", step)
    with pytest.raises(BotApiError) as caught:
        bot.send_document(CHAT, NAME, CONTENT)
    error = caught.value
    assert (error.is_permanent, error.may_have_arrived, error.was_cut) == (is_permanent, may_have_arrived, False)


@pytest.mark.parametrize("hangs", [True, False])
def test_document_that_was_cut_has_not_arrived(hangs: bool) -> None:
    """What was not written to its end nobody has read, so it may be sent again without a mark."""
    with deaf_server(hangs=hangs) as url:
        bot = HttpBotApi(TOKEN, url)
        with pytest.raises(BotApiError) as caught:
            bot.send_document(CHAT, NAME, LARGE, deadline=timedelta(milliseconds=400))
        bot.close()
    error = caught.value
    assert (error.was_cut, error.may_have_arrived, error.is_permanent) == (True, False, False)


class Reports:
    """The outbox, as the sender sees it."""

    def __init__(self) -> None:
        self.items: list[object] = []

    def hint(self, item: object) -> bool:
        self.items.append(item)
        return True


@pytest.mark.parametrize(("attempts", "is_permanent"), [(4, False), (5, True)])
def test_file_that_never_gets_through_is_given_up(tmp_path: Path, attempts: int, is_permanent: bool) -> None:
    """A line that is too slow for it does not hold up the chat for a day."""
    files, reports, outbox_id = OutboxFiles(tmp_path), Reports(), OutboxId("f1")
    files.keep(outbox_id, LARGE)
    row = OutboxRow(
        outbox_id=outbox_id,
        chat_jid=FAMILY,
        channel="telegram",
        position=1,
        kind=TextKind.REPLY,
        text="[file]",
        state=OutboxState.SENDING,
        attempts=attempts,
        is_repeat=False,
        epoch=Epoch(1),
        run_id=None,
        created_at=NOON,
        not_before=None,
        channel_ids=(),
        error=None,
        attachment=Attachment(NAME, len(LARGE)),
    )
    with deaf_server(hangs=False) as url:
        bot = HttpBotApi(TOKEN, url)
        sender = TelegramSender(bot, files, reports, LiveBoard(), lambda _epoch: True)
        sender.handle(DeliverTexts((row,), Epoch(1)))
        bot.close()
    (report,) = reports.items
    assert isinstance(report, TextNotDelivered)
    assert (report.is_permanent, report.may_have_arrived) == (is_permanent, False)
    assert ("given up after 5 tries" in report.error) is is_permanent


# -- through the outbox -------------------------------------------------------------------------------


def send_menu(daemon: Daemon, *, is_kept: bool = True) -> None:
    """A text, the file behind it, and a text behind that, which goes when the file is settled."""
    daemon.store.chats.ingest(IncomingMessage(FAMILY, "m1", "u", "Uma", "menu?", NOON), NOON)
    first = NewText(OutboxId("t1"), FAMILY, TextKind.REPLY, "here it is")
    file = replace(first, outbox_id=OutboxId("f1"), text="[file]", attachment=Attachment(NAME, len(CONTENT)))
    if is_kept:
        daemon.files.keep(file.outbox_id, CONTENT)
    last = replace(first, outbox_id=OutboxId("t2"), text="enjoy")
    daemon.store.outbox.enqueue([first, file, last], handled=None, now=datetime.now(UTC))
    daemon.outbox.hint(OutboxFilled())


def file_row(daemon: Daemon) -> OutboxRow:
    (row,) = [row for row in daemon.store.outbox.list_recent(FAMILY, 9) if row.attachment is not None]
    return row


def seen(daemon: Daemon) -> list[str | tuple[str, bytes]]:
    return [message.document or message.text for message in daemon.fake.messages]


@pytest.mark.full  # real waits of a second and more, as everywhere below
def test_file_arrives_between_its_texts_and_is_in_the_log(daemon: Daemon) -> None:
    """In order; what people were shown is what the next prompt knows."""
    send_menu(daemon)
    daemon.wait_until_sent(FAMILY, 3)
    assert seen(daemon) == ["here it is", (NAME, CONTENT), "enjoy"]
    assert [message.content for message in daemon.store.chats.recent(FAMILY, 3)] == ["here it is", "[file]", "enjoy"]
    assert file_row(daemon).channel_ids == ("2",)


@pytest.mark.full
def test_file_waits_when_telegram_asks_for_it(daemon: Daemon) -> None:
    """429 delays it by Telegram's own time, and it is sent once, in its place."""
    daemon.fake.plan("sendDocument", too_many_requests(1))
    send_menu(daemon)
    daemon.wait_until_sent(FAMILY, 3)
    assert seen(daemon) == ["here it is", (NAME, CONTENT), "enjoy"]


@pytest.mark.full
def test_file_that_is_too_large_fails_with_the_reason(daemon: Daemon) -> None:
    """It is on record, and what stands behind it goes."""
    daemon.fake.plan("sendDocument", refusal(413, TOO_LARGE))
    send_menu(daemon)
    daemon.wait_until_sent(FAMILY, 2)
    assert (file_row(daemon).state, file_row(daemon).error) == (OutboxState.FAILED, TOO_LARGE)
    assert seen(daemon) == ["here it is", "enjoy"]


@pytest.mark.full
def test_file_whose_copy_is_gone_fails_with_the_reason(daemon: Daemon) -> None:
    """Nothing is asked of Telegram for it."""
    send_menu(daemon, is_kept=False)
    daemon.wait_until_sent(FAMILY, 2)
    assert file_row(daemon).state is OutboxState.FAILED
    assert "is not there any more" in str(file_row(daemon).error)
    assert seen(daemon) == ["here it is", "enjoy"]


@pytest.mark.full
def test_file_whose_answer_was_lost_is_sent_again_with_a_mark(daemon: Daemon) -> None:
    """The one window in which it may double is visible to people."""
    daemon.fake.plan("sendDocument", LoseAnswer())
    send_menu(daemon)
    daemon.wait_until_sent(FAMILY, 3)
    shown = [(message.document, message.text) for message in daemon.fake.messages if message.document]
    assert shown == [((NAME, CONTENT), ""), ((NAME, CONTENT), "(may be a duplicate)")]
