"""scripts/watch-actors, as a program of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.api.conftest import Api

SCRIPT = Path(__file__).parents[2] / "scripts" / "watch-actors"


def watch(url: str) -> subprocess.CompletedProcess[str]:
    """Without site packages: the standard library must do."""
    command = [sys.executable, "-I", "-S", str(SCRIPT), "--once", "--url", url]
    return subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)


def test_watch_actors_prints_a_table(api: Api) -> None:
    """Every actor with its state; exit code 0."""
    done = watch(api.server.url)
    assert done.returncode == 0, done.stderr
    states = {line.split()[0]: line.split()[1] for line in done.stdout.splitlines()[2:]}
    assert states.keys() >= {"root", "commands", "message_loop", "outbox", "local"}
    assert set(states.values()) == {"running"}


def test_watch_actors_says_so_when_nobody_answers() -> None:
    """Exit code 2 and one line."""
    done = watch("http://127.0.0.1:9")
    assert done.returncode == 2
    assert done.stderr.startswith("http://127.0.0.1:9 does not answer")


def test_watch_actors_refuses_a_pause_that_is_none() -> None:
    """A wrong --interval is a usage error that says what is allowed."""
    command = [sys.executable, "-I", "-S", str(SCRIPT), "--interval", "-1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 2
    assert "not a number from 0.1 to 3600" in done.stderr
