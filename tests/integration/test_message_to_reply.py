"""A chat message in, an agent's reply out, through every real part."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.daemon import DaemonProcess

pytestmark = pytest.mark.full


def test_message_gets_a_reply(tmp_path: Path) -> None:
    """A message written over HTTP is answered by an agent in a sandbox."""
    with DaemonProcess(tmp_path) as daemon:
        assert daemon.client.ask("kitchen", "hello") == "hello"
        assert daemon.terminate() == 0
        assert daemon.agents() == set()
