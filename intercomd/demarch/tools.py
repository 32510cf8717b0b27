"""Asks `ic` and `bd` on behalf of a caller: the checks in their order, then one process with a deadline.

A tool that hangs is killed after 15 s, and only a few run at once, so nobody else waits for it (hazard B-88). The
tools get a small environment: none of the daemon's secrets.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from intercomd.demarch.process import ToolFailed, run_tool
from intercomd.demarch.reviews import read_verdicts
from intercomd.domain.demarch import DemarchAnswer, Invocation, ReadOperation, WriteOperation, plan
from intercomd.errors import InvalidInput
from intercomd.logs import EventLog

_KEPT = frozenset({"HOME", "LANG", "LC_ALL", "LOGNAME", "PATH", "TMPDIR", "TZ", "USER"})
_KEPT_PREFIXES = ("BD_", "BEADS_", "IC_", "INTERCORE_", "XDG_")
_STANDALONE = "Demarch kernel not available — Intercom is running in standalone mode."
_log = EventLog("demarch")


@dataclass(frozen=True, slots=True)
class DemarchPolicy:
    """What the operator allows; the lists hold signatures, word for word."""

    is_enabled: bool
    writes_need_main: bool
    reads: frozenset[str]
    writes: frozenset[str]


@dataclass(frozen=True, slots=True)
class ToolLimits:
    """`turn`: how long a question waits while `at_once` others are being answered."""

    deadline: timedelta = timedelta(seconds=15)
    turn: timedelta = timedelta(seconds=2)
    at_once: int = 3


class DemarchTools:
    """Safe to use from any thread; every call blocks for at most turn + deadline. Never raises for what a tool does."""

    def __init__(
        self, policy: DemarchPolicy, root: Path, environment: Mapping[str, str], limits: ToolLimits | None = None
    ) -> None:
        """`root` is the project's folder, where the tools run."""
        self._policy = policy
        self._root = root
        self._environment = {
            name: value for name, value in environment.items() if name in _KEPT or name.startswith(_KEPT_PREFIXES)
        }
        self._limits = limits or ToolLimits()
        self._turns = threading.BoundedSemaphore(self._limits.at_once)

    def read(self, operation: ReadOperation) -> DemarchAnswer:
        return self._answer(operation, "read", self._policy.reads)

    def write(self, operation: WriteOperation, *, is_privileged: bool) -> DemarchAnswer:
        """`is_privileged`: the store says that the caller is, or acts for, the main group."""
        if self._policy.is_enabled and self._policy.writes_need_main and not is_privileged:
            return DemarchAnswer(False, "Write operation requires main group privileges.")
        return self._answer(operation, "write", self._policy.writes)

    def _answer(self, operation: ReadOperation | WriteOperation, kind: str, allowed: frozenset[str]) -> DemarchAnswer:
        if not self._policy.is_enabled:
            return DemarchAnswer(False, "Demarch integration is disabled.")
        try:
            invocation = plan(operation)
        except InvalidInput as error:
            return DemarchAnswer(False, str(error))
        if invocation is None:
            return read_verdicts(self._root)
        if invocation.signature not in allowed:
            return DemarchAnswer(False, f"Operation blocked by demarch {kind} allowlist: {invocation.signature}")
        program = shutil.which(invocation.argv[0], path=self._environment.get("PATH", ""))
        if program is None:
            return DemarchAnswer(False, _STANDALONE)
        return self._ask(program, invocation)

    def _ask(self, program: str, invocation: Invocation) -> DemarchAnswer:
        limits = self._limits
        if not self._turns.acquire(timeout=limits.turn.total_seconds()):
            return DemarchAnswer(False, f"{limits.at_once} Demarch questions are being answered; try again soon.")
        try:
            done = run_tool((program, *invocation.argv[1:]), self._root, self._environment, limits.deadline)
        except ToolFailed as error:
            _log.warning("demarch.failed", signature=invocation.signature, error=error)
            return DemarchAnswer(False, str(error))
        finally:
            self._turns.release()
        _log.info("demarch.asked", signature=invocation.signature, exit_code=done.exit_code)
        if done.exit_code == 0:
            return DemarchAnswer(True, done.output)
        said = done.errors or done.output
        return DemarchAnswer(False, said or f"{invocation.argv[0]} ended with exit status {done.exit_code}")
