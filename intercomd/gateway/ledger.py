"""What each group has used: since the start for whoever looks; today for the limit, which no restart resets."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path
from threading import Lock

import msgspec

from intercomd.clock import Clock
from intercomd.errors import SetupNeeded
from intercomd.gateway.usage import Usage
from intercomd.logs import EventLog

_log = EventLog("gateway")


class _Day(msgspec.Struct, frozen=True):
    """One day (UTC) and its tokens by folder, as they are in the file."""

    day: date
    tokens: dict[str, int]


class Ledger:
    """For any thread. `daily_tokens` is what a group may use in a day; a file is kept only where there is a limit."""

    def __init__(self, path: Path, daily_tokens: int | None, clock: Clock) -> None:
        self._path = path
        self._daily_tokens = daily_tokens
        self._clock = clock
        self._guard = Lock()
        self._total: dict[str, Usage] = {}
        self._of_run: dict[str, Usage] = {}
        self._today: _Day | None = None

    def count(self, run_id: str, folder: str, usage: Usage) -> None:
        """One answer. What a disk that refuses does not take is forgotten at the next start only."""
        with self._guard:
            self._total[folder] = self._total.get(folder, Usage()) + usage
            if run_id in self._of_run:
                self._of_run[run_id] += usage
            if self._daily_tokens is None:
                return
            tokens = self._tokens_today()
            tokens[folder] = tokens.get(folder, 0) + usage.tokens
            try:
                _replace(self._path, msgspec.json.encode(self._today))
            except OSError as error:
                _log.warning("gateway.usage_not_kept", path=self._path, error=error.strerror)

    def check(self, folder: str) -> None:
        """Raises `SetupNeeded` when the group has used up its day."""
        if self._daily_tokens is None:
            return
        with self._guard:
            used = self._tokens_today().get(folder, 0)
        if used >= self._daily_tokens:
            raise SetupNeeded(
                f"group {folder} has used {used} tokens today, and gateway.daily_tokens_per_group is "
                f"{self._daily_tokens}: raise it, or wait until midnight UTC"
            )

    def open_run(self, run_id: str) -> None:
        """From now on the run has an account of its own."""
        with self._guard:
            self._of_run[run_id] = Usage()

    def close_run(self, run_id: str) -> Usage:
        """What the run has used; nothing more is kept of it."""
        with self._guard:
            return self._of_run.pop(run_id, Usage())

    def totals(self) -> dict[str, Usage]:
        """By folder, since this process started."""
        with self._guard:
            return dict(self._total)

    def _tokens_today(self) -> dict[str, int]:
        today = self._clock.now().date()
        if self._today is None:
            self._today = _read(self._path)
        if self._today is None or self._today.day != today:
            self._today = _Day(today, {})
        return self._today.tokens


def _read(path: Path) -> _Day | None:
    """What is damaged counts as nothing: a limit of costs is not worth a refusal to work."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Day)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError) as error:
        _log.warning("gateway.usage_not_read", path=path, error=type(error).__name__)
        return None


def _replace(path: Path, content: bytes) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    unfinished = path.with_suffix(".tmp")
    unfinished.write_bytes(content)
    os.replace(unfinished, path)
