"""The host's side of tool calls for tests of the agent's side: answers query files, each as its tool's rule says.

with ToolHost(tmp_path) as host:
    host.rules["list_tasks"] = lambda query: ("ok", "[]")
    ...
    host.queries.wait_for_count(1)
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.support.waiting import Probe, join

Query = dict[str, Any]
Rule = Callable[[Query], tuple[str, str] | None]
"""Gives status and result, or None to leave a query without an answer."""

_PAUSE_SECONDS = 0.005


def echo_call(query: Query) -> tuple[str, str]:
    """The rule of tools that have no other: the call itself is the answer."""
    return ("ok", json.dumps({"tool": query["type"], "params": query["params"]}))


class ToolHost:
    """Looks at `directory`/queries until closed.

    `queries` are those it has taken; `withdrawn` the files of those it left without an answer and that are gone.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.rules: dict[str, Rule] = {}
        self.queries: Probe[Query] = Probe()
        self.withdrawn: Probe[str] = Probe()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="tool-host")
        for name in ("queries", "responses"):
            (directory / name).mkdir(parents=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closed.set()
        join(self._thread)

    def answer(self, identifier: str, content: str) -> None:
        """Put a response there as the host does: written aside, renamed."""
        path = self.directory / "responses" / f"{identifier}.json"
        draft = path.with_suffix(".json.tmp")
        draft.write_text(content)
        os.rename(draft, path)

    def leftovers(self) -> list[str]:
        """The files that are there now."""
        return sorted(path.name for path in self.directory.rglob("*") if path.is_file())

    def _serve(self) -> None:
        taken: dict[str, int] = {}
        while not self._closed.wait(_PAUSE_SECONDS):
            for name in [name for name in taken if not (self.directory / "queries" / name).exists()]:
                del taken[name]
                self.withdrawn.record(name)
            for path in sorted((self.directory / "queries").glob("*.json")):
                with suppress(FileNotFoundError):  # the agent has just taken it back
                    written_at = path.stat().st_mtime_ns
                    if taken.get(path.name) != written_at and not self._take(path):
                        taken[path.name] = written_at

    def _take(self, path: Path) -> bool:
        """Whether it was answered."""
        query = json.loads(path.read_text())
        answer = self.rules.get(query["type"], echo_call)(query)
        if answer is not None:
            path.unlink()
            self.answer(query["uuid"], json.dumps({"status": answer[0], "result": answer[1]}))
        self.queries.record(query)
        return answer is not None
