-- Runs and their inputs.

-- :name lock_run
-- The run and its group's numbers; the group's columns that a run has too are named group_….
-- :lock update of g, r
SELECT r.*, g.generation AS group_generation, g.settled_seq, g.context_seq, g.last_request_seq, g.attempts,
    g.not_before, g.was_orphaned, g.carries_failure, g.session_id
FROM groups g JOIN runs r ON r.folder = g.folder WHERE r.run_id = :run_id

-- :name find_run
SELECT * FROM runs WHERE run_id = :run_id

-- :name find_live_run
SELECT run_id, folder, chat_jid, task_id FROM runs WHERE folder = :folder AND outcome IS NULL

-- :name find_last_retried_run
-- Of requests: a fire that is tried again is found in the ledger.
SELECT run_id FROM runs WHERE folder = :folder AND ending = 'retry' AND task_id IS NULL ORDER BY opened_at DESC LIMIT 1

-- :name add_run
INSERT INTO runs (run_id, folder, chat_jid, epoch, generation, attempt, opened_at)
VALUES (:run_id, :folder, :chat_jid, :epoch, :generation, :attempt, :now)

-- :name add_task_run
INSERT INTO runs (run_id, folder, chat_jid, epoch, generation, attempt, opened_at, task_id, fire_at, context_mode)
VALUES (:run_id, :folder, :chat_jid, :epoch, :generation, :attempt, :now, :task_id, :fire_at, :context_mode)

-- :name add_input
INSERT INTO run_inputs (run_id, input_id, after_seq, up_to_seq, first_seq, request_seq, omitted)
VALUES (:run_id, :input_id, :after_seq, :up_to_seq, :first_seq, :request_seq, :omitted)

-- :name list_inputs
SELECT * FROM run_inputs WHERE run_id = :run_id ORDER BY up_to_seq

-- :name settle_input
UPDATE run_inputs SET settled_at = :now WHERE run_id = :run_id AND input_id = :input_id AND settled_at IS NULL

-- :name settle_inputs
UPDATE run_inputs SET settled_at = :now WHERE run_id = :run_id AND up_to_seq <= :up_to_seq AND settled_at IS NULL

-- :name list_prompt_messages
-- The newest first.
SELECT m.*, q.content AS question, q.choices, q.choice
FROM chat_messages m LEFT JOIN questions q ON q.chat_jid = m.chat_jid AND q.answer_seq = m.seq
WHERE m.chat_jid = :chat_jid AND m.seq > :after_seq AND m.seq <= :up_to_seq
    AND m.kind IN ('request', 'context') AND m.is_retry = 0
ORDER BY m.seq DESC LIMIT :limit

-- :name list_input_messages
SELECT m.*, q.content AS question, q.choices, q.choice
FROM chat_messages m LEFT JOIN questions q ON q.chat_jid = m.chat_jid AND q.answer_seq = m.seq
WHERE m.chat_jid = :chat_jid AND m.seq > :after_seq AND m.seq <= :up_to_seq
    AND (m.seq >= :first_seq OR m.seq = :request_seq) AND m.kind IN ('request', 'context') AND m.is_retry = 0
ORDER BY m.seq

-- :name find_newest_request
SELECT m.*, q.content AS question, q.choices, q.choice
FROM chat_messages m LEFT JOIN questions q ON q.chat_jid = m.chat_jid AND q.answer_seq = m.seq
WHERE m.chat_jid = :chat_jid AND m.seq > :after_seq AND m.seq <= :up_to_seq
    AND m.kind = 'request' AND m.is_retry = 0
ORDER BY m.seq DESC LIMIT 1

-- :name count_prompt_messages
SELECT COUNT(*) AS count FROM chat_messages WHERE chat_jid = :chat_jid AND seq > :after_seq AND seq <= :up_to_seq
    AND kind IN ('request', 'context') AND is_retry = 0

-- :name record_start
UPDATE runs SET started_at = COALESCE(started_at, :now), engine = :engine, sandbox_name = :sandbox_name, pid = :pid,
    start_ticks = :start_ticks, log_path = :log_path, runtime = :runtime, model = :model
WHERE run_id = :run_id AND outcome IS NULL RETURNING run_id

-- :name record_frame
UPDATE runs SET last_frame = :frame, first_frame_at = COALESCE(first_frame_at, :now),
    has_effects = CASE WHEN :replies > 0 THEN 1 ELSE has_effects END, model = COALESCE(CAST(:model AS TEXT), model)
WHERE run_id = :run_id

-- :name record_superseded_frame
UPDATE runs SET last_frame = :frame, superseded_frame = COALESCE(superseded_frame, :frame) WHERE run_id = :run_id

-- :name end_run
UPDATE runs SET outcome = :outcome, error = :error, ended_at = :now, ending = :ending, retry_at = :retry_at
WHERE run_id = :run_id

-- :name list_live_runs
SELECT * FROM runs WHERE outcome IS NULL ORDER BY opened_at, run_id

-- :name list_live_runs_of_folder
SELECT * FROM runs WHERE outcome IS NULL AND folder = :folder ORDER BY opened_at, run_id

-- :name list_recent_runs
SELECT * FROM runs ORDER BY opened_at DESC, run_id DESC LIMIT :limit

-- :name list_recent_runs_of_folder
SELECT * FROM runs WHERE folder = :folder ORDER BY opened_at DESC, run_id DESC LIMIT :limit

-- :name find_cancel
SELECT * FROM cancels WHERE cancel_key = :key

-- :name add_cancel
INSERT INTO cancels (cancel_key, folder, generation, run_id, cancelled_at)
VALUES (:key, :folder, :generation, :run_id, :now)
