"""`/network`: only the main group decides what a group's agent may reach, and it is recorded."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from intercomd.domain.chat import Network
from intercomd.domain.ids import Folder
from tests.actors.world import World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(0, tmp_path)
    made.add_group("main")
    made.add_group("a")
    yield made
    made.close()


def ask(world: World, chat: str, text: str) -> str:
    """The answer to a command."""
    world.say(chat, text)
    world.finish()
    return world.replies(chat)[-1]


def network_of(world: World, folder: str) -> Network:
    return world.store.groups.get(Folder(folder)).group.network


def test_main_group_opens_and_closes_the_network_of_a_group(world: World) -> None:
    """It counts from the next run on, and why tells who decided."""
    assert "reaches the network and the model" in ask(world, "main", "/network a full")
    assert network_of(world, "a") is Network.FULL
    assert "reaches the model alone" in ask(world, "main", "/network a none")
    assert network_of(world, "a") is Network.NONE
    decided = [event.detail for event in world.store.events.list_recent(None, 100) if event.code == "group.network"]
    assert len(decided) == 2
    assert decided[0].startswith("none by ")


def test_other_groups_decide_nothing(world: World) -> None:
    """Not even about themselves."""
    assert ask(world, "a", "/network a full") == "Only the main group decides what a group's agent may reach."
    assert network_of(world, "a") is Network.NONE


@pytest.mark.parametrize("arguments", ["", "a", "a some", "../x full"])
def test_what_cannot_be_understood_is_answered_with_the_usage(world: World, arguments: str) -> None:
    """Nothing is guessed."""
    assert ask(world, "main", f"/network {arguments}").startswith("Usage: ")


def test_unknown_group_is_said(world: World) -> None:
    """By its name."""
    assert "nobody" in ask(world, "main", "/network nobody full")


def test_changing_a_group_leaves_its_network(world: World) -> None:
    """Who registers a group anew decides nothing about it."""
    ask(world, "main", "/network a full")
    world.add_group("a")
    assert network_of(world, "a") is Network.FULL
