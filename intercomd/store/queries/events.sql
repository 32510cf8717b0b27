-- What was decided and why: append-only.

-- :name add_event
INSERT INTO events (at, code, chat_jid, folder, run_id, task_id, seq, detail)
VALUES (:at, :code, :chat_jid, :folder, :run_id, :task_id, :seq, :detail)

-- :name list_recent_events
SELECT * FROM events ORDER BY event_id DESC LIMIT :limit

-- :name list_recent_events_of_chat
SELECT * FROM events WHERE chat_jid = :chat_jid ORDER BY event_id DESC LIMIT :limit

-- :name list_recent_events_of_task
SELECT * FROM events WHERE task_id = :task_id ORDER BY event_id DESC LIMIT :limit
