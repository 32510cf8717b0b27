"""Removes records that are past their time: in short transactions, so that nobody waits for them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from intercomd.domain.instants import to_epoch_ms
from intercomd.store.engine import Database, Transaction

_BESIDE_RUNS = ("prune_cancels", "prune_fires", "prune_task_logs", "prune_agent_files", "prune_questions")


@dataclass(frozen=True, slots=True)
class Pruned:
    """How many rows a batch removed; `has_more` when there may be further ones."""

    events: int
    runs: int
    texts: int
    has_more: bool


class Pruning(Protocol):
    """The store's side of retention. Chat messages, groups, tasks and what is not finished are never touched."""

    def prune(self, events_before: datetime, runs_before: datetime, texts_before: datetime, limit: int) -> Pruned:
        """Remove up to `limit` rows of each kind that are older: events; ended runs with their inputs, cancels,
        settled fires, task logs, handled files of agents, closed questions; texts that are sent, failed or unknown."""
        ...


class PruningOfTables:
    """The `Pruning` port."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def prune(self, events_before: datetime, runs_before: datetime, texts_before: datetime, limit: int) -> Pruned:
        before = to_epoch_ms(runs_before)
        events = self._count("prune_events", to_epoch_ms(events_before), limit)
        texts = self._count("prune_texts", to_epoch_ms(texts_before), limit)
        runs = self._database.write(lambda transaction: _prune_runs(transaction, before, limit))
        beside = [self._count(query, before, limit) for query in _BESIDE_RUNS]
        return Pruned(events, runs, texts, has_more=limit in (events, texts, runs, *beside))

    def _count(self, query: str, before: int, limit: int) -> int:
        return self._database.write(lambda transaction: len(transaction.rows(query, before=before, limit=limit)))


def _prune_runs(transaction: Transaction, before: int, limit: int) -> int:
    runs = transaction.rows("list_prunable_runs", before=before, limit=limit)
    for run in runs:
        transaction.run("prune_inputs_of_run", run_id=run["run_id"])
        transaction.run("prune_run", run_id=run["run_id"])
    return len(runs)
