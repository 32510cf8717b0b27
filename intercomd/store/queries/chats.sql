-- Chats and what was written in them.

-- :name draw_seq
-- A new message's place in its chat, drawn under the chat's row lock; no row when its external id is known.
INSERT INTO chats (jid, name, channel, is_group, last_seq, last_message_at)
SELECT :chat_jid, COALESCE(CAST(:chat_name AS TEXT), :chat_jid), :channel, COALESCE(CAST(:is_group AS BIGINT), 0), 1,
    CAST(:sent_at AS BIGINT)
WHERE NOT EXISTS (SELECT 1 FROM chat_messages WHERE chat_jid = :chat_jid AND external_id = :external_id)
ON CONFLICT (jid) DO UPDATE SET
    last_seq = chats.last_seq + 1,
    name = COALESCE(CAST(:chat_name AS TEXT), chats.name),
    channel = excluded.channel,
    is_group = COALESCE(CAST(:is_group AS BIGINT), chats.is_group),
    last_message_at = CASE WHEN chats.last_message_at > excluded.last_message_at
        THEN chats.last_message_at ELSE excluded.last_message_at END
RETURNING last_seq

-- :name draw_bot_seq
UPDATE chats SET last_seq = last_seq + 1, last_message_at = :now WHERE jid = :chat_jid RETURNING last_seq

-- :name add_empty_chat
INSERT INTO chats (jid, name, channel, is_group, last_seq)
VALUES (:chat_jid, :name, :channel, 0, 0) ON CONFLICT (jid) DO NOTHING

-- :name lock_chat
-- :lock update
SELECT last_seq FROM chats WHERE jid = :chat_jid

-- :name find_last_seq
SELECT last_seq FROM chats WHERE jid = :chat_jid

-- :name add_message
INSERT INTO chat_messages (chat_jid, seq, external_id, sender, sender_name, content, sent_at, stored_at, kind, is_from_me)
VALUES (:chat_jid, :seq, :external_id, :sender, :sender_name, :content, :sent_at, :stored_at, :kind, :is_from_me)
ON CONFLICT (chat_jid, external_id) DO NOTHING RETURNING seq

-- :name edit_message
UPDATE chat_messages SET content = :content WHERE chat_jid = :chat_jid AND external_id = :external_id
RETURNING seq, kind

-- :name list_chats
SELECT * FROM chats ORDER BY COALESCE(last_message_at, 0) DESC, jid

-- :name list_history
SELECT * FROM chat_messages WHERE chat_jid = :chat_jid AND seq > :after ORDER BY seq LIMIT :limit

-- :name list_recent_messages
SELECT * FROM chat_messages WHERE chat_jid = :chat_jid ORDER BY seq DESC LIMIT :limit

-- :name list_unhandled_commands
SELECT * FROM chat_messages WHERE kind = 'command' AND handled_at IS NULL ORDER BY stored_at, chat_jid, seq LIMIT :limit

-- :name find_message
SELECT * FROM chat_messages WHERE chat_jid = :chat_jid AND seq = :seq

-- :name find_seq
SELECT seq FROM chat_messages WHERE chat_jid = :chat_jid AND external_id = :external_id

-- :name mark_handled
UPDATE chat_messages SET handled_at = :now WHERE chat_jid = :chat_jid AND seq = :seq AND handled_at IS NULL

-- :name mark_retry
UPDATE chat_messages SET kind = 'request', is_retry = 1, handled_at = :now WHERE chat_jid = :chat_jid AND seq = :seq
