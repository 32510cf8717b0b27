-- What was decided about one message, one run, one text.

-- :name list_events_of_message
-- Those of the message alone; a run's events name the last message it was given.
SELECT * FROM events WHERE chat_jid = :chat_jid AND seq = :seq AND run_id IS NULL ORDER BY event_id LIMIT :limit

-- :name list_runs_of_message
SELECT r.*, CASE WHEN i.first_seq <= :seq OR i.request_seq = :seq THEN 1 ELSE 0 END AS is_given
FROM runs r JOIN run_inputs i ON i.run_id = r.run_id
WHERE r.chat_jid = :chat_jid AND i.after_seq < :seq AND i.up_to_seq >= :seq
ORDER BY r.opened_at DESC, r.run_id DESC LIMIT :limit

-- :name list_events_of_run
SELECT * FROM events WHERE run_id = :run_id ORDER BY event_id LIMIT :limit

-- :name list_texts_of_run
SELECT o.*, c.channel FROM outbox o JOIN chats c ON c.jid = o.chat_jid WHERE o.run_id = :run_id
ORDER BY o.position LIMIT :limit

-- :name find_whole_text
SELECT o.*, c.channel FROM outbox o JOIN chats c ON c.jid = o.chat_jid WHERE o.outbox_id = :outbox_id

-- :name find_newest_of_people
SELECT seq FROM chat_messages WHERE chat_jid = :chat_jid AND seq < :before AND kind IN ('request', 'context')
    AND is_retry = 0
ORDER BY seq DESC LIMIT 1

-- :name count_runs_between
SELECT COUNT(*) AS count FROM runs WHERE opened_at >= :after AND opened_at < :before AND folder <> :folder

-- :name count_waiting_before
SELECT COUNT(*) AS count FROM groups
WHERE last_request_seq > settled_seq AND waiting_since < :since AND not_before <= :now

-- :name count_fires_waiting_before
SELECT COUNT(*) AS count FROM task_fires WHERE state = 'queued' AND claimed_at < :since AND not_before <= :now
