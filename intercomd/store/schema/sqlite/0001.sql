CREATE TABLE chats (
    jid TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    channel TEXT NOT NULL,
    is_group INTEGER NOT NULL,
    last_seq INTEGER NOT NULL,
    last_position INTEGER NOT NULL DEFAULT 0,
    last_message_at INTEGER
) WITHOUT ROWID;

CREATE TABLE chat_messages (
    chat_jid TEXT NOT NULL REFERENCES chats (jid),
    seq INTEGER NOT NULL,
    external_id TEXT NOT NULL,
    sender TEXT NOT NULL,
    sender_name TEXT NOT NULL,
    content TEXT NOT NULL,
    sent_at INTEGER NOT NULL,
    stored_at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    is_from_me INTEGER NOT NULL,
    is_retry INTEGER NOT NULL DEFAULT 0,
    handled_at INTEGER,
    PRIMARY KEY (chat_jid, seq),
    UNIQUE (chat_jid, external_id)
);

CREATE INDEX chat_messages_requests ON chat_messages (chat_jid, seq, stored_at) WHERE kind = 'request';

CREATE INDEX chat_messages_commands ON chat_messages (stored_at, chat_jid, seq)
    WHERE kind = 'command' AND handled_at IS NULL;

CREATE TABLE groups (
    folder TEXT PRIMARY KEY,
    jid TEXT NOT NULL UNIQUE REFERENCES chats (jid),
    name TEXT NOT NULL,
    trigger_text TEXT NOT NULL,
    requires_trigger INTEGER NOT NULL,
    runtime TEXT,
    model TEXT,
    container_config TEXT,
    added_at INTEGER NOT NULL,
    last_request_seq INTEGER NOT NULL,
    settled_seq INTEGER NOT NULL,
    context_seq INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    not_before INTEGER NOT NULL DEFAULT 0,
    waiting_since INTEGER,
    was_orphaned INTEGER NOT NULL DEFAULT 0,
    carries_failure INTEGER NOT NULL DEFAULT 0,
    generation INTEGER NOT NULL DEFAULT 0,
    session_id TEXT
) WITHOUT ROWID;

CREATE INDEX groups_pending ON groups (waiting_since, folder) WHERE last_request_seq > settled_seq;

CREATE INDEX groups_backoff ON groups (not_before) WHERE last_request_seq > settled_seq;

CREATE TABLE runs (
    run_id TEXT PRIMARY KEY,
    folder TEXT NOT NULL,
    chat_jid TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    opened_at INTEGER NOT NULL,
    started_at INTEGER,
    first_frame_at INTEGER,
    ended_at INTEGER,
    last_frame INTEGER NOT NULL DEFAULT -1,
    superseded_frame INTEGER,
    has_effects INTEGER NOT NULL DEFAULT 0,
    outcome TEXT,
    error TEXT,
    ending TEXT,
    retry_at INTEGER,
    engine TEXT,
    sandbox_name TEXT,
    pid INTEGER,
    start_ticks INTEGER,
    log_path TEXT,
    runtime TEXT,
    model TEXT
) WITHOUT ROWID;

CREATE UNIQUE INDEX runs_live ON runs (folder) WHERE outcome IS NULL;

CREATE INDEX runs_by_age ON runs (opened_at);

CREATE INDEX runs_by_folder ON runs (folder, opened_at);

CREATE TABLE run_inputs (
    run_id TEXT NOT NULL REFERENCES runs (run_id),
    up_to_seq INTEGER NOT NULL,
    input_id TEXT NOT NULL,
    after_seq INTEGER NOT NULL,
    first_seq INTEGER NOT NULL,
    request_seq INTEGER NOT NULL,
    omitted INTEGER NOT NULL,
    settled_at INTEGER,
    PRIMARY KEY (run_id, up_to_seq),
    UNIQUE (run_id, input_id)
) WITHOUT ROWID;

CREATE TABLE cancels (
    cancel_key TEXT PRIMARY KEY,
    folder TEXT NOT NULL,
    generation INTEGER NOT NULL,
    run_id TEXT,
    cancelled_at INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE outbox (
    outbox_id TEXT PRIMARY KEY,
    chat_jid TEXT NOT NULL REFERENCES chats (jid),
    position INTEGER NOT NULL,
    kind TEXT NOT NULL,
    content TEXT NOT NULL,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    is_repeat INTEGER NOT NULL DEFAULT 0,
    epoch INTEGER,
    run_id TEXT,
    created_at INTEGER NOT NULL,
    not_before INTEGER NOT NULL DEFAULT 0,
    channel_ids TEXT NOT NULL DEFAULT '[]',
    error TEXT,
    UNIQUE (chat_jid, position)
);

CREATE INDEX outbox_pending ON outbox (created_at, position) WHERE state = 'pending';

CREATE INDEX outbox_waiting ON outbox (chat_jid, position) WHERE state IN ('pending', 'sending');

CREATE INDEX outbox_sending ON outbox (epoch) WHERE state = 'sending';

CREATE INDEX outbox_by_age ON outbox (created_at);

CREATE TABLE leases (
    duty TEXT PRIMARY KEY,
    boot_id TEXT,
    pid INTEGER,
    start_ticks INTEGER,
    epoch INTEGER NOT NULL,
    renewals INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE events (
    event_id INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    code TEXT NOT NULL,
    chat_jid TEXT,
    folder TEXT,
    run_id TEXT,
    seq INTEGER,
    detail TEXT NOT NULL
);

CREATE INDEX events_by_chat ON events (chat_jid, event_id);
