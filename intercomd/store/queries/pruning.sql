-- What is past its time, in small batches, the oldest first.

-- :name prune_events
-- Looks at the oldest rows alone: nothing but age decides, and ids rise with time.
DELETE FROM events WHERE event_id IN (
    SELECT event_id FROM (SELECT event_id, at FROM events ORDER BY event_id LIMIT :limit) AS oldest WHERE at < :before)
RETURNING event_id

-- :name list_prunable_runs
-- A group that waits for its next try still needs its last run.
SELECT run_id FROM runs WHERE opened_at < :before AND ended_at < :before
    AND NOT EXISTS (SELECT 1 FROM groups g WHERE g.folder = runs.folder AND g.attempts > 0)
ORDER BY opened_at LIMIT :limit

-- :name prune_inputs_of_run
DELETE FROM run_inputs WHERE run_id = :run_id

-- :name prune_run
DELETE FROM runs WHERE run_id = :run_id

-- :name prune_cancels
DELETE FROM cancels WHERE cancel_key IN (SELECT cancel_key FROM cancels WHERE cancelled_at < :before LIMIT :limit)
RETURNING cancel_key

-- :name prune_fires
DELETE FROM task_fires WHERE (task_id, fire_at) IN (
    SELECT task_id, fire_at FROM task_fires WHERE claimed_at < :before AND settled_at < :before
    ORDER BY claimed_at LIMIT :limit)
RETURNING fire_at

-- :name prune_task_logs
DELETE FROM task_run_logs WHERE log_id IN (SELECT log_id FROM task_run_logs WHERE run_at < :before LIMIT :limit)
RETURNING log_id

-- :name prune_texts
DELETE FROM outbox WHERE outbox_id IN (
    SELECT outbox_id FROM outbox WHERE created_at < :before AND state IN ('sent', 'failed', 'unknown')
    ORDER BY created_at LIMIT :limit)
RETURNING outbox_id
