-- Scheduled tasks, the ledger of their fires, and the log of their runs.

-- :name draw_task_numbers
-- The last of `count` numbers; those of a folder are never given twice.
INSERT INTO task_numbers (folder, last_number) VALUES (:folder, :count)
ON CONFLICT (folder) DO UPDATE SET last_number = task_numbers.last_number + :count RETURNING last_number

-- :name find_last_task_number
SELECT last_number FROM task_numbers WHERE folder = :folder

-- :name add_task
INSERT INTO scheduled_tasks (id, group_folder, chat_jid, prompt, schedule_type, schedule_value, context_mode, next_run,
    status, created_at, zone, misfire, overlap, anchor_at, number)
VALUES (:task_id, :group_folder, :chat_jid, :prompt, :schedule_type, :schedule_value, :context_mode, :next_run,
    :status, :created_at, :zone, :misfire, :overlap, :anchor_at, :number)

-- :name find_task
SELECT * FROM scheduled_tasks WHERE id = :task_id

-- :name find_task_by_number
SELECT * FROM scheduled_tasks WHERE group_folder = :folder AND number = :number

-- :name lock_task
-- :lock update
SELECT * FROM scheduled_tasks WHERE id = :task_id

-- :name list_tasks
SELECT * FROM scheduled_tasks ORDER BY created_at DESC, id

-- :name list_tasks_of_group
SELECT * FROM scheduled_tasks WHERE group_folder = :group_folder ORDER BY created_at DESC, id

-- :name list_tasks_after
SELECT * FROM scheduled_tasks WHERE id > :after ORDER BY id LIMIT :limit

-- :name list_tasks_of_group_after
SELECT * FROM scheduled_tasks WHERE group_folder = :folder AND id > :after ORDER BY id LIMIT :limit

-- :name list_open_tasks
SELECT * FROM scheduled_tasks WHERE status <> 'completed' ORDER BY group_folder, number LIMIT :limit

-- :name list_open_tasks_of_group
SELECT * FROM scheduled_tasks WHERE group_folder = :folder AND status <> 'completed' ORDER BY number LIMIT :limit

-- :name count_active_tasks
SELECT COUNT(*) AS count FROM scheduled_tasks WHERE group_folder = :folder AND status = 'active'

-- :name list_due_tasks
SELECT * FROM scheduled_tasks WHERE status = 'active' AND next_run <= :now ORDER BY next_run, id

-- :name lock_due_tasks
-- The earliest first, locked in the order of their ids, as everybody does who locks several.
-- :lock update of t
SELECT t.id, t.next_run FROM scheduled_tasks t
WHERE t.status = 'active' AND t.next_run <= :now AND t.id IN (SELECT d.id FROM scheduled_tasks d
    WHERE d.status = 'active' AND d.next_run <= :now ORDER BY d.next_run, d.id LIMIT :limit)
ORDER BY t.id

-- :name find_due_task
-- A locked task with what decides about its fires: read behind the lock, so that it is true until the end.
SELECT t.*, g.jid AS group_jid,
    (SELECT COUNT(*) FROM task_fires q WHERE q.task_id = t.id AND q.settled_at IS NULL AND q.state = 'queued') AS queued,
    (SELECT COUNT(*) FROM task_fires r WHERE r.task_id = t.id AND r.settled_at IS NULL AND r.state = 'running')
        AS running
FROM scheduled_tasks t LEFT JOIN groups g ON g.folder = t.group_folder WHERE t.id = :task_id

-- :name find_more_due
SELECT id FROM scheduled_tasks WHERE status = 'active' AND next_run <= :now LIMIT 1

-- :name next_task_at
SELECT MIN(next_run) AS instant FROM scheduled_tasks WHERE status = 'active' AND next_run IS NOT NULL

-- :name change_task
-- What is NULL stays.
UPDATE scheduled_tasks SET
    prompt = COALESCE(CAST(:prompt AS TEXT), prompt),
    schedule_type = COALESCE(CAST(:schedule_type AS TEXT), schedule_type),
    schedule_value = COALESCE(CAST(:schedule_value AS TEXT), schedule_value),
    next_run = COALESCE(CAST(:next_run AS BIGINT), next_run),
    status = COALESCE(CAST(:status AS TEXT), status),
    context_mode = COALESCE(CAST(:context_mode AS TEXT), context_mode),
    zone = COALESCE(CAST(:zone AS TEXT), zone),
    misfire = COALESCE(CAST(:misfire AS TEXT), misfire),
    overlap = COALESCE(CAST(:overlap AS TEXT), overlap),
    anchor_at = COALESCE(CAST(:anchor_at AS BIGINT), anchor_at)
WHERE id = :task_id

-- :name move_task_on
UPDATE scheduled_tasks SET next_run = CAST(:next_run AS BIGINT) WHERE id = :task_id

-- :name pause_task
UPDATE scheduled_tasks SET status = 'paused' WHERE id = :task_id

-- :name complete_task
-- A `once` without a fire time left whose last fire is settled.
UPDATE scheduled_tasks SET status = 'completed'
WHERE id = :task_id AND status = 'active' AND schedule_type = 'once' AND next_run IS NULL
    AND NOT EXISTS (SELECT 1 FROM task_fires f WHERE f.task_id = :task_id AND f.settled_at IS NULL)
RETURNING id

-- :name record_task_result
UPDATE scheduled_tasks SET last_run = :now, last_result = :last_result, failures = :failures WHERE id = :task_id

-- :name finish_task
UPDATE scheduled_tasks SET next_run = CAST(:next_run AS BIGINT), last_run = :now, last_result = :last_result,
    status = CASE WHEN CAST(:next_run AS BIGINT) IS NULL THEN 'completed' ELSE status END
WHERE id = :task_id

-- :name lock_tasks_of_group
-- :lock update
SELECT * FROM scheduled_tasks WHERE group_folder = :folder ORDER BY id

-- :name move_tasks
UPDATE scheduled_tasks SET group_folder = :new_folder, number = number + :offset WHERE group_folder = :folder

-- :name move_queued_fires
UPDATE task_fires SET folder = :new_folder WHERE folder = :folder AND state = 'queued'

-- :name remove_task_logs
DELETE FROM task_run_logs WHERE task_id = :task_id

-- :name remove_task
DELETE FROM scheduled_tasks WHERE id = :task_id

-- :name add_task_log
INSERT INTO task_run_logs (task_id, run_at, duration_ms, status, result, error)
VALUES (:task_id, :run_at, :duration_ms, :status, :result, :error)

-- :name add_fire
-- No row comes back when this fire time has one already.
INSERT INTO task_fires (task_id, fire_at, through, folder, chat_jid, state, reason, is_late, manual_key, epoch, claimed_at,
    settled_at)
VALUES (:task_id, :fire_at, :through, :folder, :chat_jid, :state, :reason, :is_late, :manual_key, :epoch, :now,
    :settled_at)
ON CONFLICT (task_id, fire_at) DO NOTHING RETURNING task_id

-- :name find_fire
SELECT * FROM task_fires WHERE task_id = :task_id AND fire_at = :fire_at

-- :name find_fire_by_key
SELECT * FROM task_fires WHERE task_id = :task_id AND manual_key = :manual_key

-- :name list_fires
SELECT * FROM task_fires WHERE task_id = :task_id ORDER BY fire_at DESC LIMIT :limit

-- :name list_unsettled_fires
SELECT * FROM task_fires WHERE task_id = :task_id AND settled_at IS NULL ORDER BY fire_at

-- :name list_queued_fires_of_group
SELECT * FROM task_fires WHERE folder = :folder AND state = 'queued' ORDER BY claimed_at, fire_at

-- :name find_ready_fire
SELECT * FROM task_fires
WHERE folder = :folder AND state = 'queued' AND (not_before <= :now OR not_before > :latest)
ORDER BY claimed_at, fire_at, task_id LIMIT 1

-- :name list_ready_tasks
SELECT g.jid, f.folder, MIN(f.claimed_at) AS waiting_since
FROM task_fires f JOIN groups g ON g.folder = f.folder
WHERE f.state = 'queued' AND (f.not_before <= :now OR f.not_before > :latest)
GROUP BY g.jid, f.folder ORDER BY waiting_since, f.folder LIMIT :limit

-- :name next_fire_retry_at
SELECT MIN(not_before) AS instant FROM task_fires
WHERE state = 'queued' AND not_before > :now AND not_before <= :latest

-- :name list_tasks_claimed_after
SELECT DISTINCT task_id FROM (
    SELECT task_id FROM task_fires WHERE claimed_at > :latest ORDER BY claimed_at LIMIT :limit) AS ahead

-- :name find_first_fire_claimed_after
-- Of the schedule: what somebody asked for by hand has moved no fire time.
SELECT fire_at FROM task_fires WHERE task_id = :task_id AND claimed_at > :latest AND manual_key IS NULL
ORDER BY fire_at LIMIT 1

-- :name date_fires_back
UPDATE task_fires SET claimed_at = :now, settled_at = CASE WHEN settled_at > :now THEN :now ELSE settled_at END
WHERE task_id = :task_id AND claimed_at > :latest

-- :name count_fires
SELECT state, COUNT(*) AS count FROM task_fires WHERE settled_at IS NULL GROUP BY state

-- :name start_fire
UPDATE task_fires SET state = 'running', run_id = :run_id, epoch = :epoch, result = NULL
WHERE task_id = :task_id AND fire_at = :fire_at AND state = 'queued' RETURNING attempts

-- :name note_fire_result
UPDATE task_fires SET result = :result WHERE task_id = :task_id AND fire_at = :fire_at AND state = 'running'

-- :name requeue_fire
UPDATE task_fires SET state = 'queued', attempts = :attempts, not_before = :not_before, was_orphaned = :was_orphaned
WHERE task_id = :task_id AND fire_at = :fire_at

-- :name settle_fire
UPDATE task_fires SET state = :state, reason = :reason, attempts = :attempts, settled_at = :now
WHERE task_id = :task_id AND fire_at = :fire_at
