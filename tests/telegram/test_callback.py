"""`/v1/telegram/callback`: who may approve, how often it is done, what people and the host are told (B-50, B-95)."""

from __future__ import annotations

import os
from typing import Any

import pytest

from intercomd.api import gate_desk
from tests.telegram.conftest import Daemon

PRESS = {
    "callback_query_id": "q1",
    "chat_jid": "tg:-100",
    "message_id": "1",
    "data": "approve:gate-7",
    "sender_id": "42",
    "sender_name": "Uma",
}


@pytest.fixture(autouse=True)
def _message_with_button(daemon: Daemon) -> None:
    daemon.ask("send", {"jid": "tg:-100", "text": "Approve gate-7?"})
    daemon.fake.presses |= {"q1", "q2"}


def press(daemon: Daemon, **changes: Any) -> dict[str, Any]:
    return daemon.ask("callback", PRESS | changes)


def install_ic(daemon: Daemon, script: str) -> None:
    """A tool that notes how it was called and then does what `script` says."""
    tool = daemon.tools_folder / "ic"
    tool.write_text(f'#!/bin/sh\necho "$@" >> {daemon.tools_folder}/calls\n{script}\n')
    tool.chmod(0o755)


def calls_of_ic(daemon: Daemon) -> list[str]:
    path = daemon.tools_folder / "calls"
    return path.read_text().splitlines() if path.exists() else []


def test_gate_is_approved_from_the_main_group(daemon: Daemon) -> None:
    """The tool is asked once, the message shows who approved, the press is answered, the host hears ok."""
    daemon.register("tg:-100", "main")
    install_ic(daemon, "echo overridden")
    answer = press(daemon)
    assert list(answer) == ["ok", "action", "target_id", "result", "error"]
    assert answer == {"ok": True, "action": "approve", "target_id": "gate-7", "result": "overridden", "error": None}
    assert calls_of_ic(daemon) == ["gate override gate-7 --json --reason=Approved by Uma via Telegram"]
    daemon.fake.calls.wait_for(lambda call: call.method == "answerCallbackQuery", "the press is answered")
    assert daemon.fake.texts(-100) == ["✅ Gate gate-7 approved by @Uma"]


@pytest.mark.parametrize("folder", ["family", None])
def test_gate_is_not_approved_from_elsewhere(daemon: Daemon, folder: str | None) -> None:
    """Other groups and strangers cannot, whatever they press (hazard B-50)."""
    if folder is not None:
        daemon.register("tg:-100", folder)
    install_ic(daemon, "echo overridden")
    answer = press(daemon)
    assert not answer["ok"]
    assert "main group" in answer["error"]
    assert calls_of_ic(daemon) == []
    assert daemon.fake.answers == {"q1": "Not allowed in this chat"}


@pytest.mark.parametrize("query_id", ["q1", "q2"])
def test_gate_is_approved_once_when_it_is_pressed_twice(daemon: Daemon, query_id: str) -> None:
    """The same press again, and another press of the same gate, have the first one's answer."""
    daemon.register("tg:-100", "main")
    install_ic(daemon, "echo overridden")
    assert press(daemon) == press(daemon, callback_query_id=query_id)
    assert len(calls_of_ic(daemon)) == 1


def test_failed_approval_is_not_ok_and_may_be_tried_again(daemon: Daemon) -> None:
    """The host and people are told the truth; another press asks the tool again."""
    daemon.register("tg:-100", "main")
    install_ic(daemon, "echo gate is closed >&2; exit 1")
    answer = press(daemon)
    assert (answer["ok"], answer["error"]) == (False, "gate is closed")
    daemon.fake.calls.wait_for(lambda call: call.method == "answerCallbackQuery", "the press is answered")
    assert daemon.fake.texts(-100) == ["❌ Failed: gate is closed"]
    install_ic(daemon, "echo overridden")
    assert press(daemon, callback_query_id="q2")["ok"]


def test_slow_approval_is_answered_in_time_and_shown_later(daemon: Daemon, monkeypatch: pytest.MonkeyPatch) -> None:
    """The host hears that it is under way; the message shows the outcome (hazard B-95)."""
    daemon.register("tg:-100", "main")
    gate = daemon.tools_folder / "gate"
    os.mkfifo(gate)
    install_ic(daemon, f"cat {gate}")
    monkeypatch.setattr(gate_desk, "_WITHIN", gate_desk._WITHIN / 20)
    answer = press(daemon)
    assert (answer["ok"], answer["result"]) == (True, "The gate is being approved; the message will show the outcome.")
    monkeypatch.undo()
    gate.write_text("overridden\n")
    daemon.fake.calls.wait_for(lambda call: call.method == "answerCallbackQuery", "the press is answered")
    assert daemon.fake.texts(-100) == ["✅ Gate gate-7 approved by @Uma"]


@pytest.mark.parametrize(
    ("data", "action", "target", "error", "shown"),
    [
        ("nonsense", "nonsense", "", "Invalid callback data format", "Invalid action"),
        ("dance:a:b", "dance", "a:b", "Unknown callback action: dance", "Unknown action"),
        *(
            (
                f"{action}:x",
                action,
                "x",
                f"{label} is not yet implemented — use `ic gate` CLI directly",
                f"{label} not yet implemented",
            )
            for action, label in (
                ("reject", "Gate rejection"),
                ("defer", "Gate deferral"),
                ("extend", "Budget extension"),
                ("cancel", "Run cancellation"),
            )
        ),
    ],
)
def test_other_buttons_are_answered_as_before(
    daemon: Daemon, data: str, action: str, target: str, error: str, shown: str
) -> None:
    """Texts and keys are those of original.md §5.3."""
    assert press(daemon, data=data) == {
        "ok": False,
        "action": action,
        "target_id": target,
        "result": None,
        "error": error,
    }
    assert daemon.fake.answers == {"q1": shown}


def test_gate_id_is_no_option(daemon: Daemon) -> None:
    """What looks like an option of the tool is refused before it is asked (hazard B-48)."""
    daemon.register("tg:-100", "main")
    install_ic(daemon, "echo overridden")
    assert not press(daemon, data="approve:--db=/other")["ok"]
    assert calls_of_ic(daemon) == []
