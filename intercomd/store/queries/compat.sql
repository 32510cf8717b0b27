-- What only the wire API of the existing system asks for (original.md §6.2).

-- :name upsert_chat
-- A name equal to the JID is no name; the newest time stays.
INSERT INTO chats (jid, name, channel, is_group, last_seq, last_message_at)
VALUES (:chat_jid, COALESCE(CAST(:name AS TEXT), :chat_jid), :channel, COALESCE(CAST(:is_group AS BIGINT), 0), 0,
    CAST(:at AS BIGINT))
ON CONFLICT (jid) DO UPDATE SET
    name = CASE WHEN excluded.name = excluded.jid THEN chats.name ELSE excluded.name END,
    channel = excluded.channel,
    is_group = COALESCE(CAST(:is_group AS BIGINT), chats.is_group),
    last_message_at = CASE WHEN chats.last_message_at > excluded.last_message_at OR excluded.last_message_at IS NULL
        THEN chats.last_message_at ELSE excluded.last_message_at END

-- :name rename_chat
INSERT INTO chats (jid, name, channel, is_group, last_seq, last_message_at)
VALUES (:chat_jid, :name, :channel, 0, 0, :now)
ON CONFLICT (jid) DO UPDATE SET name = excluded.name

-- :name list_texts_by_time
-- What people wrote after an instant.
SELECT * FROM chat_messages
WHERE chat_jid = :chat_jid AND sent_at > :after AND kind IN ('request', 'context') AND is_retry = 0 AND content <> ''
    AND (CAST(:mark AS TEXT) = '' OR SUBSTR(content, 1, LENGTH(CAST(:mark AS TEXT))) <> CAST(:mark AS TEXT))
ORDER BY sent_at, seq

-- :name list_texts_by_seq
-- What people wrote at the positions after `after`, up to `up_to`.
SELECT * FROM chat_messages
WHERE chat_jid = :chat_jid AND seq > :after AND seq <= :up_to AND kind IN ('request', 'context') AND is_retry = 0
    AND content <> ''
    AND (CAST(:mark AS TEXT) = '' OR SUBSTR(content, 1, LENGTH(CAST(:mark AS TEXT))) <> CAST(:mark AS TEXT))
ORDER BY seq LIMIT :limit

-- :name list_conversation
-- The newest first, bot messages included.
SELECT * FROM chat_messages WHERE chat_jid = :chat_jid AND content <> ''
ORDER BY sent_at DESC, seq DESC LIMIT :limit

-- :name list_group_times
-- Per group when the newest text of people was sent, and the last one before which the next prompt starts.
SELECT g.jid,
    (SELECT m.sent_at FROM chat_messages m WHERE m.chat_jid = g.jid AND m.kind <> 'bot'
        ORDER BY m.seq DESC LIMIT 1) AS newest_at,
    (SELECT m.sent_at FROM chat_messages m WHERE m.chat_jid = g.jid AND m.kind <> 'bot' AND m.seq <= g.context_seq
        ORDER BY m.seq DESC LIMIT 1) AS context_at
FROM groups g ORDER BY g.jid

-- :name find_router_value
SELECT value FROM router_state WHERE key = :key

-- :name set_router_value
INSERT INTO router_state (key, value) VALUES (:key, :value) ON CONFLICT (key) DO UPDATE SET value = excluded.value

-- :name add_task
INSERT INTO scheduled_tasks (id, group_folder, chat_jid, prompt, schedule_type, schedule_value, context_mode, next_run,
    status, created_at)
VALUES (:task_id, :group_folder, :chat_jid, :prompt, :schedule_type, :schedule_value, :context_mode, :next_run,
    :status, :created_at)
ON CONFLICT (id) DO NOTHING RETURNING id

-- :name find_task
SELECT * FROM scheduled_tasks WHERE id = :task_id

-- :name list_tasks
SELECT * FROM scheduled_tasks ORDER BY created_at DESC, id

-- :name list_tasks_of_group
SELECT * FROM scheduled_tasks WHERE group_folder = :group_folder ORDER BY created_at DESC, id

-- :name list_due_tasks
SELECT * FROM scheduled_tasks WHERE status = 'active' AND next_run <= :now ORDER BY next_run, id

-- :name change_task
-- What is NULL stays.
UPDATE scheduled_tasks SET
    prompt = COALESCE(CAST(:prompt AS TEXT), prompt),
    schedule_type = COALESCE(CAST(:schedule_type AS TEXT), schedule_type),
    schedule_value = COALESCE(CAST(:schedule_value AS TEXT), schedule_value),
    next_run = COALESCE(CAST(:next_run AS BIGINT), next_run),
    status = COALESCE(CAST(:status AS TEXT), status)
WHERE id = :task_id

-- :name finish_task
UPDATE scheduled_tasks SET next_run = CAST(:next_run AS BIGINT), last_run = :now, last_result = :last_result,
    status = CASE WHEN CAST(:next_run AS BIGINT) IS NULL THEN 'completed' ELSE status END
WHERE id = :task_id

-- :name remove_task_logs
DELETE FROM task_run_logs WHERE task_id = :task_id

-- :name remove_task
DELETE FROM scheduled_tasks WHERE id = :task_id

-- :name lock_task
-- :lock share
SELECT id FROM scheduled_tasks WHERE id = :task_id

-- :name add_task_log
INSERT INTO task_run_logs (task_id, run_at, duration_ms, status, result, error)
VALUES (:task_id, :run_at, :duration_ms, :status, :result, :error)

-- :name replace_session
UPDATE groups SET session_id = :session_id, generation = generation + 1 WHERE folder = :folder
