"""A fake Bot API and our client of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from intercomd.channels.telegram.bot_api import HttpBotApi
from tests.support.fake_bot_api import TOKEN, FakeBotApi, running_bot_api


@pytest.fixture
def fake() -> Iterator[FakeBotApi]:
    with running_bot_api() as fake:
        yield fake


@pytest.fixture
def bot(fake: FakeBotApi) -> Iterator[HttpBotApi]:
    bot = HttpBotApi(TOKEN, fake.url)
    yield bot
    bot.close()
