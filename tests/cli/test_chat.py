"""`intercomd chat`, with and without a terminal."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterator

import pytest

from intercomd.cli.client import DaemonClient
from intercomd.cli.conversation import Conversation
from intercomd.cli.exit_codes import ExitCode
from intercomd.cli.local_chat import Line
from intercomd.cli.screen import Screen
from intercomd.cli.tables import plain
from intercomd.domain.ids import ChatJid, RunId
from intercomd.domain.mailbox import LiveText
from tests.api.conftest import Api
from tests.cli.conftest import Assistant
from tests.support.waiting import Probe, join

Intercomd = Callable[..., int]


class Terminal(io.StringIO):
    """A terminal that keeps what was written and says when."""

    def __init__(self) -> None:
        super().__init__()
        self.written: Probe[str] = Probe()

    def isatty(self) -> bool:
        return True

    def flush(self) -> None:
        self.written.record(self.getvalue())

    def wait_for(self, text: str) -> None:
        self.written.wait_for(lambda screen: text in screen, text)


@pytest.mark.parametrize(("kind", "shown"), [("bot", "Amy: \x1b[1mHelp\x1b[0m\n"), ("request", "Amy: *Help*\n")])
def test_screen_renders_what_the_assistant_wrote_and_not_what_people_did(kind: str, shown: str) -> None:
    """Markdown is the assistant's; people's stars are stars."""
    terminal = Terminal()
    Screen(terminal).show(Line(1, "m1", "Amy", "*Help*", kind))
    assert terminal.getvalue() == shown


def test_say_prints_the_reply_and_nothing_else(
    intercomd: Intercomd, assistant: Assistant, capsys: pytest.CaptureFixture[str]
) -> None:
    """All parts of the reply on standard output, exit code 0."""
    assistant.answer_next("hello", "and more")
    assert intercomd("chat", "--say", "hi", "--wait", "10") == ExitCode.OK
    assert capsys.readouterr() == ("hello\nand more\n", "")


def test_say_is_silent_when_the_assistant_is(
    intercomd: Intercomd, assistant: Assistant, capsys: pytest.CaptureFixture[str]
) -> None:
    """A declared silence is an outcome: nothing is printed, and it is no failure."""
    assistant.answer_next()
    assert intercomd("chat", "--say", "hi", "--wait", "10") == ExitCode.OK
    assert capsys.readouterr() == ("", "")


def test_say_fails_when_a_notice_says_so(
    intercomd: Intercomd, assistant: Assistant, capsys: pytest.CaptureFixture[str]
) -> None:
    """A reply stays on standard output, the notice goes to standard error, exit code 1."""
    assistant.answer_next("half", notice="That failed.")
    assert intercomd("chat", "--say", "hi", "--wait", "10") == ExitCode.FAILURE
    assert capsys.readouterr() == ("half\n", "That failed.\n")


def test_say_gives_up_when_nobody_answers(intercomd: Intercomd, capsys: pytest.CaptureFixture[str]) -> None:
    """After `--wait` seconds one line on standard error and exit code 75."""
    assert intercomd("chat", "--say", "hi", "--wait", "0.1") == ExitCode.TRY_LATER
    out, err = capsys.readouterr()
    assert out == ""
    assert "No outcome after 0.1 s" in err


def test_say_does_not_wait_for_a_text_that_is_no_request(
    api: Api, intercomd: Intercomd, capsys: pytest.CaptureFixture[str]
) -> None:
    """A group that needs its trigger will not answer; the hint says what is missing."""
    api.call("POST", "/v1/groups", {"jid": "local:main", "folder": "g", "requires_trigger": True})
    assert intercomd("chat", "--say", "hi", "--wait", "10") == ExitCode.FAILURE
    assert "trigger" in capsys.readouterr().err


def test_unreachable_daemon_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 75: starting the daemon heals it."""
    from intercomd.cli.main import main

    assert main(["chat", "--say", "hi", "--url", "http://127.0.0.1:9"]) == ExitCode.TRY_LATER
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("Error: no daemon answers at http://127.0.0.1:9")
    assert err.count("\n") == 1


def test_reply_cannot_drive_the_terminal() -> None:
    """Colours, titles, cursor movements and direction overrides are gone; letters, lines and tabs stay."""
    assert plain("a\x1b[31mb\x1b]0;title\x07c\x1b(Bd\x9b2Je\u202ef\r\x08g\n\th") == "abc(Bd2Jefg\n\th".replace(
        "(B", "B"
    )


def test_conversation_shows_history_replies_and_other_chats(api: Api, assistant: Assistant) -> None:
    """History first, then replies as they come, the live text while it is written; `/chat` changes the chat."""
    api.local.receive("main", "earlier", "m-0", "Ann")
    terminal = Terminal()

    def keyboard() -> Iterator[str]:
        terminal.wait_for("Ann: earlier")
        yield "how are you?\n"
        api.tell_sender(LiveText(ChatJid("local:main"), RunId("r"), "I am \x1b[31mwri", None))
        terminal.wait_for("… I am wri")
        assistant.answer("main", "well\x07")
        terminal.wait_for("Amtiskaw: well\n")
        yield "/chat two\n"
        terminal.wait_for("--- two ---")
        api.local.receive("two", "from elsewhere", "m-1", "Bob")
        terminal.wait_for("Bob: from elsewhere")
        yield "/chats\n"
        terminal.wait_for("chats: two, main")

    conversation = Conversation(DaemonClient(api.server.url), Screen(terminal), 20)
    conversation.hold("main", keyboard())
    assert "You: how are you?" not in terminal.getvalue()


def test_conversation_goes_on_when_the_daemon_refuses(api: Api) -> None:
    """A refused text is told, and the next one is taken."""
    terminal = Terminal()

    def keyboard() -> Iterator[str]:
        yield "/chat no good\n"
        terminal.wait_for("! name: 'no good' is no chat name")
        yield "hello\n"

    thread = threading.Thread(
        target=lambda: Conversation(DaemonClient(api.server.url), Screen(terminal), 0).hold("main", keyboard()),
        daemon=True,
    )
    thread.start()
    join(thread)
    assert api.local.updates("main", after=0, limit=5).messages[0].content == "hello"  # type: ignore[arg-type]
