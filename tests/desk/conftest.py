"""One household a test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.desk.agent_folder import AgentFolders


@pytest.fixture
def folders(tmp_path: Path) -> Iterator[AgentFolders]:
    made = AgentFolders(tmp_path)
    yield made
    made.store.close()
