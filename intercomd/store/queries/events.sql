-- What was decided and why: append-only.

-- :name add_event
INSERT INTO events (at, code, chat_jid, folder, run_id, task_id, seq, detail)
VALUES (:at, :code, :chat_jid, :folder, :run_id, :task_id, :seq, :detail)

-- :name list_recent_events
SELECT * FROM events ORDER BY event_id DESC LIMIT :limit

-- :name list_recent_events_of_chat
SELECT * FROM events WHERE chat_jid = :chat_jid ORDER BY event_id DESC LIMIT :limit

-- :name list_recent_events_of_task
-- Those of the task, and of its newest runs what does not name it: texts that were delivered, tools that were called.
SELECT * FROM events WHERE event_id IN (
    SELECT event_id FROM (SELECT t.event_id FROM events t WHERE t.task_id = :task_id
        ORDER BY t.event_id DESC LIMIT :limit) AS own
    UNION SELECT r.event_id FROM events r WHERE r.task_id IS NULL AND r.run_id IN (
        SELECT run_id FROM (SELECT o.run_id FROM events o WHERE o.task_id = :task_id
            ORDER BY o.event_id DESC LIMIT :limit) AS newest WHERE run_id IS NOT NULL))
ORDER BY event_id DESC LIMIT :limit
