-- Texts on their way to people.

-- :name draw_positions
UPDATE chats SET last_position = last_position + :count WHERE jid = :chat_jid RETURNING last_position

-- :name add_text
INSERT INTO outbox (outbox_id, chat_jid, position, kind, content, state, run_id, created_at, buttons, attachment)
VALUES (:outbox_id, :chat_jid, :position, :kind, :content, 'pending', :run_id, :now, :buttons, :attachment)
ON CONFLICT (outbox_id) DO NOTHING

-- :name find_text
SELECT outbox_id FROM outbox WHERE outbox_id = :outbox_id

-- :name list_unfinished_texts
SELECT outbox_id FROM outbox
WHERE chat_jid = :chat_jid AND state IN ('pending', 'sending') AND created_at >= :since ORDER BY position

-- :name expire_texts
UPDATE outbox SET state = 'failed', error = 'expired'
WHERE state = 'pending' AND created_at < :created_before
RETURNING outbox_id, chat_jid, run_id

-- :name claim_texts
-- Per chat only the first of those that wait; after `latest` nothing is ever due, so that one was postponed by a clock
-- that has been set back. `state` is asked again because a row lock may have been waited for.
WITH due AS MATERIALIZED (
    SELECT o.outbox_id FROM outbox o JOIN chats c ON c.jid = o.chat_jid
    WHERE o.state = 'pending' AND (o.not_before <= :now OR o.not_before > :latest) AND c.channel = :channel
        AND o.position = (SELECT MIN(e.position) FROM outbox e
            WHERE e.chat_jid = o.chat_jid AND e.state IN ('pending', 'sending'))
    ORDER BY o.created_at, o.position LIMIT :limit)
UPDATE outbox SET state = 'sending', attempts = attempts + 1, epoch = :epoch, error = NULL
FROM due WHERE outbox.outbox_id = due.outbox_id AND outbox.state = 'pending'
RETURNING *

-- :name mark_sent
UPDATE outbox SET state = 'sent', channel_ids = :channel_ids, error = NULL
WHERE outbox_id = :outbox_id AND state <> 'sent' RETURNING chat_jid, content, run_id

-- :name mark_failed
UPDATE outbox SET state = 'failed', error = :error
WHERE outbox_id = :outbox_id AND state = 'sending' AND epoch = :epoch RETURNING chat_jid, run_id

-- :name postpone_text
UPDATE outbox SET state = 'pending', not_before = :not_before, error = :error
WHERE outbox_id = :outbox_id AND state = 'sending' AND epoch = :epoch RETURNING chat_jid, run_id

-- :name mark_unknown
-- Pending again as a repeat where that is wanted and has not been done once.
UPDATE outbox SET state = CASE WHEN :resends = 1 AND is_repeat = 0 THEN 'pending' ELSE 'unknown' END,
    is_repeat = CASE WHEN :resends = 1 THEN 1 ELSE is_repeat END, error = :error
WHERE outbox_id = :outbox_id AND state = 'sending' AND epoch = :epoch RETURNING chat_jid, run_id, state

-- :name list_stranded_texts
SELECT o.* FROM outbox o JOIN chats c ON c.jid = o.chat_jid
WHERE o.state = 'sending' AND o.epoch < :epoch AND c.channel = :channel ORDER BY o.created_at, o.position

-- :name list_sending_texts
SELECT o.* FROM outbox o JOIN chats c ON c.jid = o.chat_jid WHERE o.state = 'sending' AND c.channel = :channel
ORDER BY o.created_at, o.position

-- :name list_recent_texts
SELECT o.*, c.channel FROM outbox o JOIN chats c ON c.jid = o.chat_jid ORDER BY o.created_at DESC, o.position DESC
LIMIT :limit

-- :name list_recent_texts_of_chat
SELECT o.*, c.channel FROM outbox o JOIN chats c ON c.jid = o.chat_jid WHERE o.chat_jid = :chat_jid
ORDER BY o.position DESC LIMIT :limit

-- :name list_waiting_files
SELECT outbox_id FROM outbox WHERE state IN ('pending', 'sending') AND attachment IS NOT NULL

-- :name count_waiting_texts
SELECT COUNT(*) AS count FROM outbox WHERE state IN ('pending', 'sending')

-- :name next_due_at
SELECT MIN(not_before) AS instant FROM outbox WHERE state = 'pending' AND not_before > :now
