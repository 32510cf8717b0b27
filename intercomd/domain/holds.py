"""A hold: an operator's stored wish to keep the orchestrator idle."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Hold:
    """It counts for every process on the store, and outlives them. `grace` is how long runs in flight may take to
    finish; None leaves that to each process' settings."""

    who: str
    why: str
    placed_at: datetime
    grace: timedelta | None = None

    def __str__(self) -> str:
        why = f": {self.why}" if self.why else ""
        return f"held by {self.who} since {self.placed_at:%Y-%m-%d %H:%M:%S} UTC{why}"
