"""Calls that take long, in a simulator that has no threads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from intercomd.demarch.tools import DemarchPolicy, DemarchTools
from intercomd.domain.agent_files import ToolAnswer
from intercomd.errors import StoreUnavailable

OnEnd = Callable[[ToolAnswer | None], None]


def no_tools() -> DemarchTools:
    """No program of others is run here."""
    return DemarchTools(DemarchPolicy(False, True, frozenset(), frozenset()), Path("/"), {})


@dataclass
class InlineAside:
    """An `Aside` that does everything at once, or with `holds` when the test says so."""

    holds: bool = False
    held: list[tuple[Callable[[], ToolAnswer], OnEnd]] = field(default_factory=list)

    def submit(self, work: Callable[[], ToolAnswer], on_end: OnEnd) -> None:
        self.held.append((work, on_end))
        if not self.holds:
            self.do_all()

    def do_all(self) -> None:
        """Everything that was handed in, in order."""
        while self.held:
            work, on_end = self.held.pop(0)
            try:
                answer = work()
            except StoreUnavailable:
                on_end(None)
            else:
                on_end(answer)

    def close(self) -> None:
        """Nothing goes on by itself."""
