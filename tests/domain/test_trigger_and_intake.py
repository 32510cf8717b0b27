"""Which chat messages ask for an answer."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from intercomd.domain.chat import Group, IncomingMessage, MessageKind
from intercomd.domain.ids import ChatJid, Folder
from intercomd.domain.intake import classify
from intercomd.domain.trigger import matches_trigger

JID = ChatJid("tg:1")
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def group(trigger: str = "", *, folder: str = "family", requires_trigger: bool = True) -> Group:
    return Group(JID, "Family", Folder(folder), trigger, requires_trigger)


def message(content: str, *, is_bot: bool = False) -> IncomingMessage:
    return IncomingMessage(JID, "1", "u", "Ann", content, NOON, is_bot=is_bot)


@pytest.mark.parametrize(
    ("trigger", "content", "expected"),
    [
        ("", "@amtiskaw hello", True),
        ("", "hello @Amtiskaw", False),
        ("", "@Amtiskawfoo hi", False),
        ("", "@amtiskaw, hi", True),
        ("", "  @Amtiskaw hi", True),
        ("!ai", "!ai do", True),
        ("!ai", "hello !ai", False),
        ("!ai", "!aim high", False),
        ("hey!", "hey! do it", True),
        ("hey!", "hey!do it", True),
        ("Zoë", "zoë, hi", True),
        ("!ai", "@Amtiskaw hi", True),
        ("a.c", "abc hi", False),
    ],
)
def test_trigger_matches_at_the_start_only(trigger: str, content: str, *, expected: bool) -> None:
    """One rule: prefix, any case, word boundary where the trigger ends in a word character (B-103)."""
    assert matches_trigger(group(trigger), content, "Amtiskaw") is expected


@pytest.mark.parametrize(
    ("registered", "incoming", "kind"),
    [
        (group(folder="main"), message("hi"), MessageKind.REQUEST),
        (group(requires_trigger=False), message("hi"), MessageKind.REQUEST),
        (group(), message("hi"), MessageKind.CONTEXT),
        (group(), message("@Amtiskaw hi"), MessageKind.REQUEST),
        (None, message("hi"), MessageKind.CONTEXT),
        (group(folder="main"), message("  \n"), MessageKind.CONTEXT),
        (group(folder="main"), message("Amtiskaw: please remind me"), MessageKind.REQUEST),
        (group(folder="main"), message("Amtiskaw: done", is_bot=True), MessageKind.BOT),
        (group(folder="main"), message("/reset"), MessageKind.COMMAND),
        (None, message("/chatid"), MessageKind.COMMAND),
        (group(folder="main"), message("/new@some_bot"), MessageKind.COMMAND),
        (group(folder="main"), message("/etc/hosts is broken"), MessageKind.REQUEST),
        (group(folder="main"), message("/resetting things"), MessageKind.REQUEST),
    ],
)
def test_classify_decides_by_flag_and_rule_never_by_prefix(
    registered: Group | None, incoming: IncomingMessage, kind: MessageKind
) -> None:
    """Bot messages by their flag (B-14), unknown slash words are text (B-96), the rest by the trigger rule."""
    assert classify(registered, incoming, "Amtiskaw", "main") is kind
