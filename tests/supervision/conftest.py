"""Every test of the kit leaves no thread (daemon threads included) and no Pykka actor behind."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pykka
import pytest

from tests.supervision.forest import Forest

_PATIENCE_S = 2.0


@pytest.fixture(autouse=True)
def _no_thread_or_actor_left() -> Iterator[None]:
    """Threads that are ending get a moment; everything else is a leak."""
    before = set(threading.enumerate())
    yield
    deadline = time.monotonic() + _PATIENCE_S
    for thread in set(threading.enumerate()) - before:
        thread.join(max(0.0, deadline - time.monotonic()))
    left = [thread.name for thread in set(threading.enumerate()) - before]
    assert left == []
    assert pykka.ActorRegistry.get_all() == []


@pytest.fixture
def forest(_no_thread_or_actor_left: None) -> Iterator[Forest]:
    """Makes trees and actors to be watched; stops what the test did not."""
    forest = Forest()
    yield forest
    forest.stop()
