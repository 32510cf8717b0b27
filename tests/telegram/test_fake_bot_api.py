"""The fake Bot API server, checked by an independent client: python-telegram-bot."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest
import telegram
from telegram.error import BadRequest, Conflict, Forbidden, InvalidToken, NetworkError, RetryAfter

from tests.support.fake_bot_api import BOT, TOKEN, Answer, FakeBotApi, LoseAnswer, refusal, too_many_requests
from tests.support.fake_bot_rules import Refused, check_markup

CHAT = -100
T = TypeVar("T")


@pytest.fixture(autouse=True)
def _waits_are_timedeltas(monkeypatch: pytest.MonkeyPatch) -> None:
    """The client warns about its older form otherwise."""
    monkeypatch.setenv("PTB_TIMEDELTA", "true")


def use(fake: FakeBotApi, work: Callable[[telegram.Bot], Awaitable[T]], token: str = TOKEN) -> T:
    """Run `work` with the other client."""

    async def run() -> T:
        async with telegram.Bot(token, base_url=f"{fake.url}/bot") as bot:
            return await work(bot)

    return asyncio.run(run())


def test_client_knows_the_bot_and_its_message(fake: FakeBotApi) -> None:
    """getMe at start, sendMessage and editMessageText give objects that the client can read."""

    async def work(bot: telegram.Bot) -> tuple[str, telegram.Message, object]:
        sent = await bot.send_message(CHAT, "hello")
        return bot.username, sent, await bot.edit_message_text("changed", CHAT, sent.message_id)

    name, sent, edited = use(fake, work)
    assert name == BOT["username"]
    assert (sent.text, sent.chat.id) == ("hello", CHAT)
    assert isinstance(edited, telegram.Message)
    assert fake.texts(CHAT) == ["changed"]


def test_client_sends_a_document(fake: FakeBotApi) -> None:
    """Name, caption and every byte arrive, and come back as a document; an empty one is refused."""
    content = bytes(range(256)) * 100 + b"\r\n--"

    async def work(bot: telegram.Bot) -> telegram.Message:
        with pytest.raises(BadRequest, match="File must be non-empty"):
            await bot.send_document(CHAT, b"", filename="empty.txt")
        return await bot.send_document(CHAT, content, caption="Grüße", filename="Menü.pdf")

    sent = use(fake, work)
    assert sent.document is not None
    assert (sent.document.file_name, sent.document.file_size, sent.caption) == ("Menü.pdf", len(content), "Grüße")
    assert fake.messages[0].document == ("Menü.pdf", content)


def test_client_shows_buttons_until_the_message_is_edited(fake: FakeBotApi) -> None:
    """An inline keyboard is shown, taken away by an edit without one, and its data has at most 64 bytes."""

    async def work(bot: telegram.Bot) -> None:
        button = telegram.InlineKeyboardButton("Red", callback_data="answer:q:1")
        sent = await bot.send_message(CHAT, "Which?", reply_markup=telegram.InlineKeyboardMarkup([[button]]))
        assert fake.messages[0].buttons == [("Red", "answer:q:1")]
        await bot.edit_message_text("Which?", CHAT, sent.message_id)
        assert fake.messages[0].buttons == []
        long = telegram.InlineKeyboardButton("Red", callback_data="é" * 33)
        with pytest.raises(BadRequest, match="Button_data_invalid"):
            await bot.send_message(CHAT, "Which?", reply_markup=telegram.InlineKeyboardMarkup([[long]]))

    use(fake, work)


@pytest.mark.parametrize(
    ("text", "mode", "complaint"),
    [
        ("a" * 4097, None, "too long"),
        ("😀" * 2049, None, "too long"),
        (" \n ", None, "empty"),
        ("an *open mark", "Markdown", "parse entities"),
    ],
)
def test_client_is_refused_a_text_that_telegram_refuses(
    fake: FakeBotApi, text: str, mode: str | None, complaint: str
) -> None:
    """Length is counted in UTF-16 units, blanks do not count, marks must close."""
    with pytest.raises(BadRequest, match=complaint):
        use(fake, lambda bot: bot.send_message(CHAT, text, parse_mode=mode))
    assert fake.messages == []


def test_client_takes_the_longest_text(fake: FakeBotApi) -> None:
    """4096 units are one message."""
    use(fake, lambda bot: bot.send_message(CHAT, "😀" * 2048))
    assert fake.texts(CHAT) == ["😀" * 2048]


def test_client_is_told_that_an_edit_changes_nothing(fake: FakeBotApi) -> None:
    """The same text again is 400."""

    async def work(bot: telegram.Bot) -> None:
        sent = await bot.send_message(CHAT, "same")
        await bot.edit_message_text("same", CHAT, sent.message_id)

    with pytest.raises(BadRequest, match="not modified"):
        use(fake, work)


def test_client_sees_scripted_failures_as_telegrams_own(fake: FakeBotApi) -> None:
    """429 carries its wait; 403, 5xx, garbage and a broken connection are what the client takes them for."""
    fake.plan(
        "sendMessage",
        too_many_requests(7),
        refusal(403, "Forbidden: bot was kicked"),
        refusal(502, "Bad Gateway"),
        Answer(200, b"<html>"),
        LoseAnswer(),
    )
    for kind in (RetryAfter, Forbidden, NetworkError, telegram.error.TelegramError, NetworkError):
        with pytest.raises(kind):
            use(fake, lambda bot: bot.send_message(CHAT, "hello"))
    assert fake.texts(CHAT) == ["hello"]


def test_client_answers_a_press_once(fake: FakeBotApi) -> None:
    """A query is answered with a short text, and only once."""
    fake.presses.add("q1")
    assert use(fake, lambda bot: bot.answer_callback_query("q1", "done"))
    with pytest.raises(BadRequest, match="Query is too old"):
        use(fake, lambda bot: bot.answer_callback_query("q1", "done"))
    assert fake.answers == {"q1": "done"}


def test_client_polls_updates_by_offset(fake: FakeBotApi) -> None:
    """Updates come again until an offset confirms them; a poll waits for the next."""
    fake.write(CHAT, "one")
    fake.write(CHAT, "two")

    async def work(bot: telegram.Bot) -> list[list[str | None]]:
        first = await bot.get_updates()
        again = await bot.get_updates(offset=first[0].update_id + 1)
        waiting = asyncio.create_task(bot.get_updates(offset=again[-1].update_id + 1, timeout=5))
        await asyncio.to_thread(
            fake.calls.wait_for, lambda call: call.fields.get("timeout") in ("5", 5), "the long poll is there"
        )
        await asyncio.to_thread(fake.write, CHAT, "three")
        return [
            [update.message.text for update in updates if update.message] for updates in (first, again, await waiting)
        ]

    assert use(fake, work) == [["one", "two"], ["two"], ["three"]]


def test_client_with_a_wrong_token_is_not_let_in(fake: FakeBotApi) -> None:
    """The token in the path is checked."""
    with pytest.raises(InvalidToken):
        use(fake, lambda bot: bot.send_message(CHAT, "hello"), token="1:other")


def test_second_poller_is_refused(fake: FakeBotApi) -> None:
    """While one poll waits, another is a conflict."""

    async def work(bot: telegram.Bot) -> None:
        waiting = asyncio.create_task(bot.get_updates(timeout=5))
        await asyncio.to_thread(
            fake.calls.wait_for, lambda call: call.method == "getUpdates", "the first poll is there"
        )
        try:
            async with telegram.Bot(TOKEN, base_url=f"{fake.url}/bot") as other:
                await other.get_updates()
        finally:
            await asyncio.to_thread(fake.write, CHAT, "over")
            await waiting

    with pytest.raises(Conflict):
        use(fake, work)


@pytest.mark.parametrize("text", ["*bold* and `code`", r"dev\_team", "plain", "`a_b`"])
def test_markup_that_closes_is_taken(text: str) -> None:
    """Escaped marks and marks inside code open nothing."""
    check_markup(text)


def test_markup_that_stays_open_is_refused() -> None:
    """An unescaped name breaks the text (hazard B-97)."""
    with pytest.raises(Refused, match="byte offset 3"):
        check_markup("dev_team")
