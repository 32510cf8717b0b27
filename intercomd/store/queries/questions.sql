-- Questions with choices; always under the group's row lock.

-- :name find_question
SELECT * FROM questions WHERE question_id = :question_id

-- :name find_open_question
SELECT * FROM questions WHERE chat_jid = :chat_jid AND state = 'open'

-- :name add_question
INSERT INTO questions (question_id, chat_jid, folder, run_id, content, choices, state, asked_at)
VALUES (:question_id, :chat_jid, :folder, :run_id, :content, :choices, 'open', :now)

-- :name prune_questions
DELETE FROM questions WHERE question_id IN (
    SELECT question_id FROM questions WHERE asked_at < :before AND state <> 'open' LIMIT :limit)
RETURNING question_id

-- :name close_question
UPDATE questions SET state = :state, closed_at = :now, answer_seq = :answer_seq, choice = :choice
WHERE question_id = :question_id AND state = 'open'
