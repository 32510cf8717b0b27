"""Worlds to live in, closed at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.actors.world import World

MakeWorld = Callable[..., World]


@pytest.fixture
def make_world(tmp_path: Path) -> Iterator[MakeWorld]:
    made: list[World] = []

    def make(seed: int = 0, **options: object) -> World:
        root = tmp_path / str(len(made))
        root.mkdir()
        made.append(World(seed, root, **options))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for world in made:
        world.close()
