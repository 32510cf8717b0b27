"""Clears away what is past its time: run logs, copies of files that were sent, and what a killed daemon left behind,
sandboxes and folders.

Owns:      nothing; being late or missing a day does no harm.
Never:     touches what belongs to a live run.
Talks to:  the store, the file system and the sandbox engines.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from intercomd.clock import Clock
from intercomd.domain.ids import Folder, RunId
from intercomd.domain.mailbox import (
    EndStrays,
    Heartbeat,
    PruneRecords,
    PruneRunLogs,
    SweepOutboxFiles,
    SweepRunFolders,
)
from intercomd.ipc.outbox_files import OutboxFiles
from intercomd.logs import EventLog
from intercomd.store.ports import Store
from intercomd.supervision.port import Context

_log = EventLog("housekeeping")

Sweep = Callable[[Callable[[], frozenset[RunId]]], int]
_BATCH = 500
"""Rows of a kind that one transaction removes: a few milliseconds of the one writer."""

PruneLogs = Callable[[Path, int, timedelta, datetime], int]


@dataclass(frozen=True, slots=True)
class Retention:
    """How many run logs of a group are kept and for how long, and how long records are."""

    keep_logs: int
    log_age: timedelta
    event_age: timedelta
    run_age: timedelta
    text_age: timedelta


class Housekeeper:
    """See the module's text. `prune_logs` removes a group's outdated logs, `sweep_folders` the folders of runs that are
    not live, `end_strays` ends their sandboxes; all answer how many."""

    def __init__(
        self,
        store: Store,
        log_directory: Callable[[Folder], Path],
        prune_logs: PruneLogs,
        sweep_folders: Sweep,
        end_strays: Sweep,
        files: OutboxFiles,
        retention: Retention,
        clock: Clock,
        context: Context,
    ) -> None:
        self._store = store
        self._log_directory = log_directory
        self._prune_logs = prune_logs
        self._sweep_folders = sweep_folders
        self._end_strays = end_strays
        self._files = files
        self._retention = retention
        self._clock = clock
        self._context = context

    def handle(self, item: object) -> object:
        match item:
            case PruneRunLogs():
                self._prune_run_logs()
            case PruneRecords():
                self._prune_records()
            case SweepRunFolders():
                self._sweep()
            case SweepOutboxFiles():
                self._sweep_outbox_files()
            case EndStrays():
                self._end()
            case Heartbeat():
                return "ok"
            case _:
                raise TypeError(f"Housekeeper does not take {item!r}")
        return None

    def _prune_records(self) -> None:
        """One batch; the next one stands behind whatever else is in the mailbox."""
        now, kept = self._clock.now(), self._retention
        pruned = self._store.pruning.prune(now - kept.event_age, now - kept.run_age, now - kept.text_age, _BATCH)
        if pruned.events or pruned.runs or pruned.texts:
            counts = {"events": pruned.events, "runs": pruned.runs, "texts": pruned.texts}
            _log.info("housekeeping.records_removed", **counts)
        if pruned.has_more:
            self._context.address.hint(PruneRecords())

    def _prune_run_logs(self) -> None:
        keep, age = self._retention.keep_logs, self._retention.log_age
        removed = 0
        for group in self._store.groups.list_all():
            removed += self._prune_logs(self._log_directory(group.folder), keep, age, self._clock.now())
        if removed:
            _log.info("housekeeping.logs_removed", count=removed)

    def _sweep(self) -> None:
        removed = self._sweep_folders(self._live_runs)
        if removed:
            _log.info("housekeeping.folders_removed", count=removed)

    def _sweep_outbox_files(self) -> None:
        removed = self._files.sweep(self._store.outbox.list_waiting_files, self._clock.now())
        if removed:
            _log.info("housekeeping.outbox_files_removed", count=removed)

    def _end(self) -> None:
        ended = self._end_strays(self._live_runs)
        if ended:
            _log.warning("housekeeping.strays_ended", count=ended)

    def _live_runs(self) -> frozenset[RunId]:
        return frozenset(record.run_id for record in self._store.runs.list_live())
