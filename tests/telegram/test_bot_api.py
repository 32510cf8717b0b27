"""Our Bot API client against the fake: what each failure means for a text, in time, and without the token."""

from __future__ import annotations

import logging
import socket
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest

from intercomd.channels.telegram.bot_api import Bot, HttpBotApi
from intercomd.channels.telegram.failures import BotApiError
from tests.support.fake_bot_api import (
    TOKEN,
    Answer,
    FakeBotApi,
    Hold,
    LoseAnswer,
    Step,
    refusal,
    too_many_requests,
)
from tests.support.waiting import DEADLINE_SECONDS, join

CHAT = "-100"
SECRET = TOKEN.partition(":")[2]
SHORT = timedelta(milliseconds=200)


def failure_of(bot: HttpBotApi, deadline: timedelta = timedelta(seconds=5)) -> BotApiError:
    with pytest.raises(BotApiError) as caught:
        bot.send_message(CHAT, "hello", deadline=deadline)
    return caught.value


@contextmanager
def listener(*, drips: bytes = b"") -> Iterator[str]:
    """A server that takes connections and says nothing, or drips bytes until the client goes."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        over = threading.Event()

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.settimeout(DEADLINE_SECONDS)
                connection.recv(65536)
                if drips:
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
                while not over.wait(0.01):
                    try:
                        connection.sendall(drips)
                    except OSError:
                        return

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}"
        finally:
            over.set()
            join(thread)


def test_methods_do_what_they_say(fake: FakeBotApi, bot: HttpBotApi) -> None:
    """A text is sent, edited, a press answered, and the bot names itself."""
    fake.presses.add("q1")
    sent = bot.send_message(CHAT, "hello *you*", parse_mode="Markdown")
    bot.edit_message(CHAT, sent, "changed")
    bot.answer_callback("q1", "done")
    assert bot.get_me() == Bot(123456, "amtiskaw_bot")
    assert fake.texts(-100) == ["changed"]
    assert fake.answers == {"q1": "done"}


def test_chat_id_goes_as_text_and_message_id_as_number(fake: FakeBotApi, bot: HttpBotApi) -> None:
    """The wire form is that of original.md §5.3."""
    sent = bot.send_message(CHAT, "hello")
    bot.edit_message(CHAT, sent, "changed")
    send, edit = fake.calls.values
    assert send.fields == {"chat_id": CHAT, "text": "hello"}
    assert edit.fields == {"chat_id": CHAT, "message_id": sent, "text": "changed"}


@pytest.mark.parametrize(
    ("step", "summary", "is_permanent", "may_have_arrived"),
    [
        (refusal(400, "Bad Request: chat not found"), "Bad Request: chat not found", True, False),
        (refusal(403, "Forbidden: bot was kicked"), "Forbidden: bot was kicked", True, False),
        (refusal(401, "Unauthorized"), "Unauthorized", False, False),
        (refusal(500, "Internal Server Error"), "Internal Server Error", False, True),
        (Answer(502, b"<html>"), "failed to parse Telegram sendMessage response", False, True),
        (Answer(404, b"no such page"), "failed to parse Telegram sendMessage response", False, False),
        (
            Answer(302, b"", {"Location": "http://127.0.0.1:1/"}),
            "failed to parse Telegram sendMessage response",
            False,
            False,
        ),
        (Answer(200, b"<html>"), "failed to parse Telegram sendMessage response", False, True),
        (Answer(200, b'{"ok":true,"result":[]}'), "failed to parse Telegram sendMessage response", False, True),
        (Answer(400, b'{"ok":false}'), "Telegram sendMessage returned ok=false", True, False),
        (LoseAnswer(), "failed to call Telegram sendMessage", False, True),
    ],
)
def test_failure_says_what_became_of_the_text(
    fake: FakeBotApi, bot: HttpBotApi, step: Step, summary: str, is_permanent: bool, may_have_arrived: bool
) -> None:
    """Refusals are final or may heal; after a lost or unreadable answer the text may be there (hazards B-38, B-41)."""
    fake.plan("sendMessage", step)
    error = failure_of(bot)
    assert error.summary == summary
    assert (error.is_permanent, error.may_have_arrived) == (is_permanent, may_have_arrived)
    assert error.retry_after is None
    assert len(fake.calls.values) == 1, "nothing is repeated by the client"


def test_too_many_requests_says_when_to_come_back(fake: FakeBotApi, bot: HttpBotApi) -> None:
    """The wait is Telegram's, from the body or the header; the text was not taken."""
    fake.plan("sendMessage", too_many_requests(7), Answer(429, refusal(429, "slow down").body, {"Retry-After": "9"}))
    for seconds in (7, 9):
        error = failure_of(bot)
        assert error.retry_after == timedelta(seconds=seconds)
        assert not error.may_have_arrived
        assert not error.is_permanent


def test_moved_chat_is_named(fake: FakeBotApi, bot: HttpBotApi) -> None:
    """A group that became a supergroup has a new id, and the error says which."""
    fake.plan("sendMessage", refusal(400, "Bad Request: group chat was upgraded", migrate_to_chat_id=-1001))
    assert "tg:-1001" in str(failure_of(bot))


def test_refused_connection_sends_nothing() -> None:
    """Who cannot connect knows that nothing arrived."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    bot = HttpBotApi(TOKEN, f"http://127.0.0.1:{port}")
    error = failure_of(bot)
    bot.close()
    assert error.summary == "failed to call Telegram sendMessage"
    assert not error.may_have_arrived


def test_silent_server_is_left_at_the_deadline() -> None:
    """A connection that never answers costs the deadline and no more; the text may have arrived (hazard B-40)."""
    with listener() as url:
        bot = HttpBotApi(TOKEN, url)
        error = failure_of(bot, SHORT)
        bot.close()
    assert error.may_have_arrived


def test_dripping_server_is_left_at_the_deadline() -> None:
    """A byte now and then does not prolong the call."""
    with listener(drips=b" ") as url:
        bot = HttpBotApi(TOKEN, url)
        error = failure_of(bot, SHORT)
        bot.close()
    assert error.may_have_arrived


def test_slow_answer_is_a_text_in_doubt(fake: FakeBotApi, bot: HttpBotApi) -> None:
    """The text is in the chat although the call failed."""
    hold = Hold()
    fake.plan("sendMessage", hold)
    assert failure_of(bot, SHORT).may_have_arrived
    hold.release.set()
    assert fake.texts(-100) == ["hello"]


def test_untrusted_certificate_sends_nothing(fake: FakeBotApi) -> None:
    """TLS is spoken and verified before a byte of the text leaves: this server does not even speak it."""
    bot = HttpBotApi(TOKEN, fake.url.replace("http:", "https:"))
    error = failure_of(bot)
    bot.close()
    assert not error.may_have_arrived
    assert fake.calls.values == []


def test_token_is_in_no_error_and_no_log_line(
    fake: FakeBotApi, bot: HttpBotApi, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever goes wrong, at whatever log level, tracebacks included, the token is not shown."""
    caplog.set_level(logging.DEBUG)
    fake.plan("sendMessage", LoseAnswer(), Answer(200, b"<"), Hold(), refusal(401, "Unauthorized"))
    errors = [failure_of(bot, SHORT) for _ in range(4)]
    closed = HttpBotApi(TOKEN, "http://127.0.0.1:1")
    errors.append(failure_of(closed))
    closed.close()
    shown = "".join("".join(traceback.format_exception(error)) + repr(error) for error in errors)
    assert SECRET not in shown
    assert SECRET not in caplog.text
