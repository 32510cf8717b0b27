"""A provider stub, a gateway in front of it, and an agent's side of the socket."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.gateway.doors import Household
from tests.gateway.provider_stub import ProviderStub, Script

Stubs = Callable[[Script], ProviderStub]


@pytest.fixture
def provider() -> Iterator[Stubs]:
    """Makes scripted providers; they are gone after the test."""
    stubs: list[ProviderStub] = []

    def make(script: Script) -> ProviderStub:
        stubs.append(ProviderStub(script))
        return stubs[-1]

    yield make
    for stub in stubs:
        stub.close()


@pytest.fixture
def household(tmp_path: Path) -> Iterator[Household]:
    """Opens gateways with credentials of the test's choice; they are closed after it."""
    household = Household(tmp_path)
    yield household
    household.close()
