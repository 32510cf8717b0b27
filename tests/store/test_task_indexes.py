"""With 100,000 tasks and their ledger, whatever is asked often comes from an index: so says each engine's plan."""

from __future__ import annotations

import pytest

from intercomd.store.opening import StoreSettings
from tests.store.plans import plans_of, unindexed

INDEXES = {
    "lock_due_tasks": ["scheduled_tasks_due"],
    "find_more_due": ["scheduled_tasks_due"],
    "next_task_at": ["scheduled_tasks_due"],
    "find_due_task": ["task_fires_unsettled"],
    "list_unsettled_fires": ["task_fires_unsettled"],
    "count_fires": ["task_fires_unsettled"],
    "find_ready_fire": ["task_fires_queued"],
    "list_queued_fires_of_group": ["task_fires_queued"],
    "list_ready_tasks": ["task_fires_queued", "task_fires_waiting"],
    "next_fire_retry_at": ["task_fires_waiting"],
    "find_fire_by_key": ["task_fires_by_key"],
    "list_fires": ["task_fires_pkey", "PRIMARY KEY"],
    "find_task_by_number": ["scheduled_tasks_by_number"],
    "list_tasks_of_group_after": ["scheduled_tasks_by_id"],
    "list_open_tasks_of_group": ["scheduled_tasks_open"],
    "count_active_tasks": ["scheduled_tasks_open", "scheduled_tasks_by_id"],
    "list_recent_events_of_task": ["events_by_task"],
    "list_tasks_claimed_after": ["task_fires_by_age"],
    "prune_fires": ["task_fires_by_age"],
    "prune_task_logs": ["task_run_logs_by_age"],
    "prune_cancels": ["cancels_by_age"],
    "count_fires_waiting_before": ["task_fires_queued", "task_fires_waiting"],
}
"""Per query an index that its plan names."""

SCANS = ("Seq Scan on scheduled_tasks", "Seq Scan on task_fires", "Seq Scan on events", "SCAN t\n", "SCAN task_fires\n")

VALUES = {
    "task_id": "'t7'",
    "folder": "'g7'",
    "manual_key": "'k'",
    "number": "7",
    "after": "'t5'",
    "latest": "200000",
    "limit": "10",
    "now": "1000",
    "before": "100",
    "since": "1000",
}

CROWD = (
    """INSERT INTO scheduled_tasks (id, group_folder, chat_jid, prompt, schedule_type, schedule_value, context_mode,
        next_run, status, created_at, number)
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
    SELECT 't' || i, 'g' || (i % 1000), 'local:1', 'p', 'cron', '@daily', 'isolated', 990 + i,
        CASE WHEN i % 10 = 0 THEN 'completed' ELSE 'active' END, 0, i FROM n""",
    """INSERT INTO task_fires (task_id, fire_at, through, folder, chat_jid, state, manual_key, not_before, claimed_at,
        settled_at)
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
    SELECT 't' || (i % 5000), i, i, 'g' || (i % 1000), 'local:1', CASE WHEN i > 99990 THEN 'queued' ELSE 'ran' END,
        CASE WHEN i % 100 = 0 THEN 'k' || i END, 0, i, CASE WHEN i > 99990 THEN NULL ELSE i END FROM n""",
    """INSERT INTO task_run_logs (task_id, run_at, duration_ms, status)
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
    SELECT 't' || i, i, 1, 'success' FROM n""",
    """INSERT INTO cancels (cancel_key, folder, generation, cancelled_at)
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
    SELECT 'c' || i, 'g7', 1, i FROM n""",
    """INSERT INTO events (at, code, task_id, detail)
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
    SELECT i, 'x', 't' || i, '' FROM n""",
    "ANALYZE",
)


@pytest.mark.usefixtures("store")
def test_task_queries_are_answered_from_an_index(store_settings: StoreSettings) -> None:
    """Each such query names its index and scans neither tasks nor fires nor events."""
    assert unindexed(plans_of(store_settings, CROWD, INDEXES, VALUES), INDEXES, SCANS) == {}
