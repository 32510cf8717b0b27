"""Texts and effects of the slash commands, and how model names are understood."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from intercomd.domain.commands import (
    ChatFacts,
    ClearSession,
    Effect,
    KillContainer,
    SwitchModel,
    answer,
    parse_command,
)
from intercomd.domain.ids import ChatJid
from intercomd.domain.models import resolve_model, runtime_of

FACTS = ChatFacts(
    ChatJid("tg:1"), "dev_team", "dev", None, "0123456789abcdef", True, "Amtiskaw", timedelta(hours=2, minutes=5)
)
IDLE = replace(FACTS, is_active=False)
UNREGISTERED = replace(FACTS, group_name=None, folder=None)
GEMINI = (KillContainer(), ClearSession(), SwitchModel("gemini-3.1-pro", "gemini"))


@pytest.mark.parametrize(
    ("command", "arguments", "facts", "effects"),
    [
        ("reset", "", FACTS, (KillContainer(), ClearSession())),
        ("new", "", IDLE, (ClearSession(),)),
        ("model", "gemini-3.1-pro", FACTS, GEMINI),
        ("model", " 3 ", FACTS, GEMINI),
        ("model", "claude-opus-4-6", FACTS, ()),
        ("model", "opsu", FACTS, ()),
        ("model", "", FACTS, ()),
        ("reset", "", UNREGISTERED, ()),
        ("model", "gemini-3.1-pro", UNREGISTERED, ()),
        ("Reset", "", FACTS, ()),
        ("bogus", "", FACTS, ()),
    ],
)
def test_command_has_exactly_its_effects(
    command: str, arguments: str, facts: ChatFacts, effects: tuple[Effect, ...]
) -> None:
    """Effects in the order in which they are applied (original.md §5.4)."""
    assert answer(command, arguments, facts).effects == effects


def test_status_text_shows_names_as_they_are() -> None:
    """Underscores in a group's name do not break Telegram's Markdown (B-97)."""
    assert answer("status", "", FACTS).text.splitlines() == [
        r"*Status for dev\_team*",
        "",
        "Model: `Claude Opus 4.6`",
        "Session: `0123456789ab...`",
        "Container: active",
        "Assistant: Amtiskaw",
        "Uptime: 2h 5m",
    ]


@pytest.mark.parametrize(
    ("command", "facts", "text"),
    [
        ("status", UNREGISTERED, "This chat is not registered."),
        ("reset", UNREGISTERED, "This chat is not registered."),
        ("bogus", FACTS, "Unknown command: /bogus"),
        (
            "reset",
            FACTS,
            "Session cleared. Running container stopped. Next message will start a fresh session.",
        ),
        ("reset", IDLE, "Session cleared. Next message will start a fresh session."),
        ("ping", FACTS, "Amtiskaw is online."),
    ],
)
def test_command_answers_word_for_word(command: str, facts: ChatFacts, text: str) -> None:
    """Texts that clients of the existing system show."""
    assert answer(command, "", facts).text == text


def test_switch_text_names_both_models() -> None:
    """The reader sees what changed."""
    result = answer("model", "gemini-3.1-pro", FACTS)
    assert result.text == "Switched from Claude Opus 4.6 to *Gemini 3.1 Pro*.\nConversation context will carry over."
    assert result.parse_mode == "Markdown"


def test_help_lists_every_command_that_works() -> None:
    """What /help advertises is understood (B-96)."""
    text = answer("help", "", FACTS).text
    for name in ("help", "status", "model", "reset", "new", "ping", "chatid", "stop", "retry"):
        assert f"/{name}" in text
        assert parse_command(f"/{name}") == (name, "")


@pytest.mark.parametrize(
    ("argument", "model_id", "runtime"),
    [
        ("codex", "gpt-5.3-codex", "codex"),
        ("gemini", "gemini-3.1-pro", "gemini"),
        ("Sonnet", "claude-sonnet-4-6", "claude"),
        ("5", "gpt-5.3-codex", "codex"),
        ("gpt-9-turbo", "gpt-9-turbo", "codex"),
        ("o3-mini", "o3-mini", "codex"),
        ("claude-next", "claude-next", "claude"),
        ("echo", "echo", "echo"),
    ],
)
def test_model_argument_is_understood(argument: str, model_id: str, runtime: str) -> None:
    """Id, number, fragment, or an id of a known family."""
    model = resolve_model(argument)
    assert model is not None
    assert (model.model_id, model.runtime) == (model_id, runtime)


@pytest.mark.parametrize("argument", ["-", "e", "9", "0", "opsu", "", "  "])
def test_model_argument_is_refused_when_it_means_nothing(argument: str) -> None:
    """A typo never becomes a stored model (B-122)."""
    assert resolve_model(argument) is None


@pytest.mark.parametrize(
    ("runtime", "model", "expected"),
    [("codex", "gemini-3.1-pro", "codex"), (None, "gemini-3.1-pro", "gemini"), (None, None, "echo")],
)
def test_runtime_follows_choice_then_model_then_default(runtime: str | None, model: str | None, expected: str) -> None:
    """One resolution for every run (B-67)."""
    assert runtime_of(runtime, model, "echo") == expected
