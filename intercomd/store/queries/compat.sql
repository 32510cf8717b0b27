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

-- :name replace_session
UPDATE groups SET session_id = :session_id, generation = generation + 1, carried_from = NULL WHERE folder = :folder
