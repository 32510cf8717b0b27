"""Files from an agent in a sandbox to people at Telegram, through the real daemon."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator

import pytest

from tests.integration.conftest import MakeDaemon
from tests.support.daemon import DaemonProcess, Settings
from tests.support.fake_bot_api import TOKEN, FakeBotApi, Hold, running_bot_api
from tests.support.waiting import wait_for

pytestmark = pytest.mark.full

FAMILY = -100
NAME = "Menü.pdf"
CONTENT = random.Random(1).randbytes(1_000_000)
DOCUMENT = (NAME, CONTENT)


@pytest.fixture
def fake() -> Iterator[FakeBotApi]:
    with running_bot_api() as fake:
        yield fake


@pytest.fixture
def daemon(make_daemon: MakeDaemon, storage: Settings, fake: FakeBotApi) -> DaemonProcess:
    """The main group has a file, and knows the family's chat."""
    bot = {"bot_token": TOKEN, "api_url": fake.url}
    daemon = make_daemon({**storage, "sandbox": {"engine": "bubblewrap"}, "channels.telegram": bot}).start()
    daemon.wait_for_log("orchestrator.state", state="active")
    (daemon.home / "groups" / "main").mkdir(parents=True)
    (daemon.home / "groups" / "main" / NAME).write_bytes(CONTENT)
    family = {"jid": f"tg:{FAMILY}", "name": "Family", "folder": "family", "trigger": "@F"}
    assert "is registered" in call(daemon, "register_group", **family)
    return daemon


def call(daemon: DaemonProcess, tool: str, **arguments: object) -> str:
    """What the main group's agent was answered."""
    reply: str = daemon.client.ask("main", f"!call {tool} {json.dumps(arguments)}")
    return reply


def send_menu(daemon: DaemonProcess) -> None:
    answer = call(daemon, "send_message", text="here", target_jid=f"tg:{FAMILY}", files=[f"/workspace/group/{NAME}"])
    assert answer == f"send_message ok: The text and its files are on the way to tg:{FAMILY}."


def test_file_of_an_agent_arrives_as_a_document(daemon: DaemonProcess, fake: FakeBotApi) -> None:
    """Behind its text, with its name and every byte."""
    shown = Hold()
    fake.plan("sendDocument", shown)
    send_menu(daemon)
    wait_for(shown.reached, "the file is shown")
    shown.release.set()
    assert [message.text for message in fake.messages] == ["here", ""]
    assert fake.messages[1].document == DOCUMENT


def test_file_is_sent_again_with_a_mark_when_the_daemon_dies_over_it(daemon: DaemonProcess, fake: FakeBotApi) -> None:
    """Nobody knows whether it arrived; the copy is still there, although the agent's file is not."""
    first, second = Hold(), Hold()
    fake.plan("sendDocument", first, second)
    send_menu(daemon)
    wait_for(first.reached, "the file is shown")
    (daemon.home / "groups" / "main" / NAME).unlink()
    daemon.kill()
    first.release.set()
    daemon.start()
    wait_for(second.reached, "the file is shown again")
    second.release.set()
    assert [(message.text, message.document) for message in fake.messages] == [
        ("here", None),
        ("", DOCUMENT),
        ("(may be a duplicate)", DOCUMENT),
    ]
