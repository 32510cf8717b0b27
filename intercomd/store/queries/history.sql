-- What was said in a chat.

-- :name list_said_before
-- The newest first, from the place before the one that is named.
SELECT * FROM chat_messages
WHERE chat_jid = :chat_jid AND (sent_at, seq) < (:sent_at, :seq)
    AND kind <> 'command' AND is_retry = 0 AND content <> ''
ORDER BY sent_at DESC, seq DESC LIMIT :limit
