"""`/why` in a chat: the last message's chain of decisions, as the actors leave it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.actors.world import World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(0, tmp_path)
    yield made
    made.close()


def newest_reply(world: World, chat: str) -> str:
    return world.replies(chat)[-1]


def test_why_tells_what_became_of_the_message_before_it(world: World) -> None:
    """From stored to delivered, about the request and not about the command itself."""
    world.say("a", "m1 hello")
    world.finish()
    world.say("a", "/why")
    world.finish()
    text = newest_reply(world, "a")
    assert "answered it; its text was delivered" in text
    for step in ("stored as a request", "given to a run", "the agent replied", "text delivered"):
        assert step in text
    assert "/why" not in text


def test_why_tells_of_a_request_that_waits_for_its_next_try(world: World) -> None:
    """Silence during a backoff is explained, with the instant of the next try."""
    world.say("a", "m1 fail")
    world.pass_time(2)
    world.say("a", "/why")
    world.pass_time(2)
    assert "The next try is at" in newest_reply(world, "a")


def test_why_says_so_when_nobody_has_written(world: World) -> None:
    """A chat with commands alone has nothing to explain."""
    world.add_group("b")
    world.say("b", "/why")
    world.finish()
    assert newest_reply(world, "b") == "Nobody has written anything here yet."
