CREATE TABLE chats (
    jid TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    channel TEXT NOT NULL,
    is_group BIGINT NOT NULL,
    last_seq BIGINT NOT NULL,
    last_position BIGINT NOT NULL DEFAULT 0,
    last_message_at BIGINT
);

CREATE TABLE chat_messages (
    chat_jid TEXT NOT NULL REFERENCES chats (jid),
    seq BIGINT NOT NULL,
    external_id TEXT NOT NULL,
    sender TEXT NOT NULL,
    sender_name TEXT NOT NULL,
    content TEXT NOT NULL,
    sent_at BIGINT NOT NULL,
    stored_at BIGINT NOT NULL,
    kind TEXT NOT NULL,
    is_from_me BIGINT NOT NULL,
    is_retry BIGINT NOT NULL DEFAULT 0,
    handled_at BIGINT,
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
    requires_trigger BIGINT NOT NULL,
    runtime TEXT,
    model TEXT,
    container_config TEXT,
    added_at BIGINT NOT NULL,
    last_request_seq BIGINT NOT NULL,
    settled_seq BIGINT NOT NULL,
    context_seq BIGINT NOT NULL,
    attempts BIGINT NOT NULL DEFAULT 0,
    not_before BIGINT NOT NULL DEFAULT 0,
    waiting_since BIGINT,
    was_orphaned BIGINT NOT NULL DEFAULT 0,
    carries_failure BIGINT NOT NULL DEFAULT 0,
    generation BIGINT NOT NULL DEFAULT 0,
    session_id TEXT
);

CREATE INDEX groups_pending ON groups (waiting_since, folder) WHERE last_request_seq > settled_seq;

CREATE INDEX groups_backoff ON groups (not_before) WHERE last_request_seq > settled_seq;

CREATE TABLE runs (
    run_id TEXT PRIMARY KEY,
    folder TEXT NOT NULL,
    chat_jid TEXT NOT NULL,
    epoch BIGINT NOT NULL,
    generation BIGINT NOT NULL,
    attempt BIGINT NOT NULL,
    opened_at BIGINT NOT NULL,
    started_at BIGINT,
    first_frame_at BIGINT,
    ended_at BIGINT,
    last_frame BIGINT NOT NULL DEFAULT -1,
    superseded_frame BIGINT,
    has_effects BIGINT NOT NULL DEFAULT 0,
    outcome TEXT,
    error TEXT,
    ending TEXT,
    retry_at BIGINT,
    engine TEXT,
    sandbox_name TEXT,
    pid BIGINT,
    start_ticks BIGINT,
    log_path TEXT,
    runtime TEXT,
    model TEXT
);

CREATE UNIQUE INDEX runs_live ON runs (folder) WHERE outcome IS NULL;

CREATE INDEX runs_by_age ON runs (opened_at);

CREATE INDEX runs_by_folder ON runs (folder, opened_at);

CREATE TABLE run_inputs (
    run_id TEXT NOT NULL REFERENCES runs (run_id),
    up_to_seq BIGINT NOT NULL,
    input_id TEXT NOT NULL,
    after_seq BIGINT NOT NULL,
    first_seq BIGINT NOT NULL,
    request_seq BIGINT NOT NULL,
    omitted BIGINT NOT NULL,
    settled_at BIGINT,
    PRIMARY KEY (run_id, up_to_seq),
    UNIQUE (run_id, input_id)
);

CREATE TABLE cancels (
    cancel_key TEXT PRIMARY KEY,
    folder TEXT NOT NULL,
    generation BIGINT NOT NULL,
    run_id TEXT,
    cancelled_at BIGINT NOT NULL
);

CREATE TABLE outbox (
    outbox_id TEXT PRIMARY KEY,
    chat_jid TEXT NOT NULL REFERENCES chats (jid),
    position BIGINT NOT NULL,
    kind TEXT NOT NULL,
    content TEXT NOT NULL,
    state TEXT NOT NULL,
    attempts BIGINT NOT NULL DEFAULT 0,
    is_repeat BIGINT NOT NULL DEFAULT 0,
    epoch BIGINT,
    run_id TEXT,
    created_at BIGINT NOT NULL,
    not_before BIGINT NOT NULL DEFAULT 0,
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
    pid BIGINT,
    start_ticks BIGINT,
    epoch BIGINT NOT NULL,
    renewals BIGINT NOT NULL
);

CREATE TABLE events (
    event_id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at BIGINT NOT NULL,
    code TEXT NOT NULL,
    chat_jid TEXT,
    folder TEXT,
    run_id TEXT,
    seq BIGINT,
    detail TEXT NOT NULL
);

CREATE INDEX events_by_chat ON events (chat_jid, event_id);
