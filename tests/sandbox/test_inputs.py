"""What the host writes for an agent, and how."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from intercomd.domain.ids import ChatJid, Folder, InputId
from intercomd.sandbox.inputs import InputFiles, render_agent_input
from intercomd.sandbox.port import AgentInput


def test_input_object_has_every_key_in_the_order_of_the_existing_system() -> None:
    """All fields set: names and order are those of original.md §9.2, then ours."""
    agent_input = AgentInput(
        prompt="p",
        session_id="s",
        folder=Folder("g"),
        chat_jid=ChatJid("tg:1"),
        is_main=True,
        assistant_name="Andy",
        model="m",
        input_id=InputId("i"),
        is_scheduled_task=True,
        secrets={"KEY": "value"},
    )
    assert list(json.loads(render_agent_input(agent_input)).items()) == [
        ("prompt", "p"),
        ("sessionId", "s"),
        ("groupFolder", "g"),
        ("chatJid", "tg:1"),
        ("isMain", True),
        ("isScheduledTask", True),
        ("assistantName", "Andy"),
        ("model", "m"),
        ("secrets", {"KEY": "value"}),
        ("inputId", "i"),
    ]
    assert "value" not in repr(agent_input)


def test_follow_ups_have_rising_names_and_no_drafts_are_left(tmp_path: Path) -> None:
    """Order of names is order of delivery, and each file is there whole."""
    files = InputFiles(tmp_path)
    for number in range(20):
        files.write_follow_up(InputId(f"i{number}"), f"text {number}")
    written = [json.loads(path.read_text()) for path in sorted(tmp_path.iterdir())]
    assert written == [{"type": "message", "text": f"text {number}", "inputId": f"i{number}"} for number in range(20)]


def test_sentinel_may_be_written_twice(tmp_path: Path) -> None:
    """The close sentinel is an empty file called `_close`."""
    files = InputFiles(tmp_path)
    files.write_sentinel()
    files.write_sentinel()
    assert (tmp_path / "_close").read_bytes() == b""


def test_link_in_the_way_is_not_followed(tmp_path: Path) -> None:
    """A link planted under the next name is refused, and its target stays as it was (B-46)."""
    target = tmp_path / "precious"
    target.write_text("untouched")
    (tmp_path / "0000000000001-input.tmp").symlink_to(target)
    with pytest.raises(OSError, match="exists"):
        InputFiles(tmp_path).write_follow_up(InputId("i"), "text")
    assert target.read_text() == "untouched"
