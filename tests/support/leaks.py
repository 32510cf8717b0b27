"""What a test may leave behind: nothing. A snapshot before, a comparison after."""

from __future__ import annotations

import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

PATIENCE_SECONDS = 2.0
"""How long threads that are already ending may take to do so."""


@dataclass(frozen=True)
class Belongings:
    """What this process owns at one moment."""

    threads: frozenset[threading.Thread]
    actors: frozenset[str]
    children: frozenset[int]
    temporary: frozenset[str]


def take_stock() -> Belongings:
    """What this process owns now; daemon threads do not count, since they cannot hold up its exit."""
    return Belongings(
        threads=frozenset(thread for thread in threading.enumerate() if not thread.daemon),
        actors=frozenset(_actor_urns()),
        children=frozenset(_child_pids()),
        temporary=frozenset(entry.name for entry in Path(tempfile.gettempdir()).iterdir()),
    )


def describe_leaks(before: Belongings) -> list[str]:
    """One line per thing that is here now and was not before; threads get a moment to end."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    for thread in take_stock().threads - before.threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    after = take_stock()
    leaks = [f"thread {thread.name}" for thread in after.threads - before.threads]
    leaks += [f"Pykka actor {urn}" for urn in after.actors - before.actors]
    leaks += [f"child process {pid}: {_command_line(pid)}" for pid in after.children - before.children]
    leaks += [f"temporary file or folder {name}" for name in after.temporary - before.temporary]
    return sorted(leaks)


def _actor_urns() -> list[str]:
    pykka = sys.modules.get("pykka")
    return [f"{ref.actor_class.__name__} {ref.actor_urn}" for ref in pykka.ActorRegistry.get_all()] if pykka else []


def _child_pids() -> list[int]:
    """Children of every thread of this process, the dead ones that nobody waited for included."""
    pids: list[int] = []
    for thread in Path("/proc/self/task").iterdir():
        try:
            pids += map(int, (thread / "children").read_text().split())
        except FileNotFoundError:  # the thread has just ended
            continue
    return pids


def _command_line(pid: int) -> str:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return "gone"
    return b" ".join(words).decode(errors="replace").strip() or "dead, but nobody waited for it"
