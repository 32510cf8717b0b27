-- Questions that agents ask with choices, and the buttons of a text.

CREATE TABLE questions (
    question_id TEXT PRIMARY KEY,
    chat_jid TEXT NOT NULL REFERENCES chats (jid),
    folder TEXT NOT NULL,
    run_id TEXT,
    content TEXT NOT NULL,
    choices TEXT NOT NULL,
    state TEXT NOT NULL,
    asked_at INTEGER NOT NULL,
    closed_at INTEGER,
    answer_seq INTEGER,
    choice INTEGER
) WITHOUT ROWID;

CREATE UNIQUE INDEX questions_open ON questions (chat_jid) WHERE state = 'open';

CREATE UNIQUE INDEX questions_answered ON questions (chat_jid, answer_seq) WHERE answer_seq IS NOT NULL;

CREATE INDEX questions_by_age ON questions (asked_at);

ALTER TABLE outbox ADD COLUMN buttons TEXT NOT NULL DEFAULT '[]';
