"""Who may use which command in a chat (hazard B-56)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from intercomd.domain.ids import ChatJid
from intercomd.domain.rights import CommandPolicy
from intercomd.settings.model import Commands
from tests.actors.world import World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Nobody who writes here is an operator."""
    made = World(0, tmp_path)
    made.settings = msgspec.structs.replace(made.settings, commands=Commands(operators=("somebody else",)))
    made.restart()
    yield made
    made.close()


def ask(world: World, text: str) -> str:
    world.say("a", text)
    world.finish()
    return world.replies("a")[-1]


def test_member_of_a_chat_cannot_switch_its_model(world: World) -> None:
    """B-56: the command is answered with a refusal and changes nothing."""
    world.say("a", "m1")
    world.finish()
    assert ask(world, "/model gpt-5.3-codex") == "Only an operator may use /model here."
    assert ask(world, "/reset") == "Only an operator may use /reset here."
    progress = world.store.groups.find_by_jid(ChatJid("local:a"))
    assert progress is not None
    assert (progress.group.model, progress.generation) == (None, 0)


def test_other_commands_are_for_everybody(world: World) -> None:
    """Only those of the setting are restricted."""
    assert ask(world, "/ping") == "Amtiskaw is online."


def test_without_operators_everybody_may_use_every_command() -> None:
    """As in the system before."""
    assert CommandPolicy(frozenset(), frozenset({"model"})).allows("model", "u1")


def test_operator_may_use_restricted_commands() -> None:
    """By the sender's id, never by a name that people choose."""
    policy = CommandPolicy(frozenset({"u1"}), frozenset({"model"}))
    assert policy.allows("model", "u1")
    assert not policy.allows("model", "u2")
