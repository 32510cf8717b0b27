-- Registered chats, their numbers and sessions.

-- :name lock_group_by_jid
-- :lock update
SELECT * FROM groups WHERE jid = :chat_jid

-- :name lock_group
-- :lock update of g
SELECT g.*, c.last_seq FROM groups g JOIN chats c ON c.jid = g.jid WHERE g.folder = :folder

-- :name find_jid_of_folder
SELECT jid FROM groups WHERE folder = :folder

-- :name add_group
INSERT INTO groups (folder, jid, name, trigger_text, requires_trigger, runtime, model, container_config, added_at,
    last_request_seq, settled_seq, context_seq)
VALUES (:folder, :chat_jid, :name, :trigger_text, :requires_trigger, :runtime, :model, :container_config, :added_at,
    :last_seq, :last_seq, :last_seq)

-- :name change_group
UPDATE groups SET folder = :folder, name = :name, trigger_text = :trigger_text, requires_trigger = :requires_trigger,
    runtime = :runtime, model = :model, container_config = :container_config
WHERE jid = :chat_jid

-- :name set_network
UPDATE groups SET network = :network WHERE folder = :folder

-- :name remove_group
DELETE FROM groups WHERE folder = :folder

-- :name list_groups
SELECT * FROM groups ORDER BY added_at, folder

-- :name list_progress
SELECT g.*, c.last_seq FROM groups g JOIN chats c ON c.jid = g.jid ORDER BY g.added_at, g.folder

-- :name find_progress
SELECT g.*, c.last_seq FROM groups g JOIN chats c ON c.jid = g.jid WHERE g.folder = :folder

-- :name find_progress_by_jid
SELECT g.*, c.last_seq FROM groups g JOIN chats c ON c.jid = g.jid WHERE g.jid = :chat_jid

-- :name count_groups
SELECT COUNT(*) AS count FROM groups

-- :name note_request
-- A request came in: what waits begins to wait now, and a backoff ends.
UPDATE groups SET last_request_seq = :seq, not_before = 0,
    waiting_since = CASE WHEN last_request_seq > settled_seq THEN waiting_since ELSE :now END
WHERE jid = :chat_jid

-- :name list_ready
SELECT jid, folder, waiting_since FROM groups
WHERE last_request_seq > settled_seq AND (not_before <= :now OR not_before > :latest) ORDER BY waiting_since, folder LIMIT :limit

-- :name find_ready
SELECT jid, folder, waiting_since FROM groups
WHERE jid = :chat_jid AND last_request_seq > settled_seq AND (not_before <= :now OR not_before > :latest)

-- :name count_pending
SELECT COUNT(*) AS count FROM groups WHERE last_request_seq > settled_seq

-- :name next_retry_at
SELECT MIN(not_before) AS instant FROM groups WHERE last_request_seq > settled_seq AND not_before > :now

-- :name settle_group
-- The numbers after an outcome; what still waits has waited since its oldest request was stored.
UPDATE groups SET settled_seq = :settled_seq, context_seq = :context_seq, attempts = 0, not_before = 0,
    was_orphaned = 0, carries_failure = :carries_failure,
    waiting_since = (SELECT stored_at FROM chat_messages WHERE chat_jid = groups.jid AND kind = 'request'
        AND seq > :settled_seq ORDER BY seq LIMIT 1)
WHERE folder = :folder

-- :name postpone_group
UPDATE groups SET attempts = :attempts, not_before = :not_before, was_orphaned = :was_orphaned WHERE folder = :folder

-- :name set_session
UPDATE groups SET session_id = :session_id WHERE folder = :folder

-- :name cancel_group
UPDATE groups SET generation = :generation,
    session_id = CASE WHEN :clears_session = 1 THEN NULL ELSE session_id END,
    runtime = COALESCE(CAST(:runtime AS TEXT), runtime), model = COALESCE(CAST(:model AS TEXT), model),
    carried_from = CASE WHEN CAST(:model AS TEXT) IS NOT NULL THEN COALESCE(carried_from, model, '')
        WHEN :clears_session = 1 THEN NULL ELSE carried_from END
WHERE folder = :folder

-- :name clear_carried
UPDATE groups SET carried_from = NULL WHERE folder = :folder AND carried_from IS NOT NULL

-- :name list_carried_messages
-- The newest first: what people said before a prompt and bots since, without commands and their answers.
SELECT * FROM chat_messages WHERE chat_jid = :chat_jid AND seq <= :up_to
    AND (kind = 'bot' OR seq <= :after AND kind IN ('request', 'context'))
    AND is_retry = 0 AND SUBSTR(external_id, 1, LENGTH(CAST(:answers AS TEXT))) <> CAST(:answers AS TEXT)
ORDER BY seq DESC LIMIT :limit

-- :name forget_session
UPDATE groups SET session_id = NULL WHERE folder = :folder AND session_id = :session_id RETURNING folder
