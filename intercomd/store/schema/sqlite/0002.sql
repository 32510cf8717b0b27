-- What the wire API of the existing system keeps beside chats and groups.

CREATE INDEX chat_messages_by_time ON chat_messages (chat_jid, sent_at, seq);

CREATE TABLE router_state (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

CREATE TABLE scheduled_tasks (
    id TEXT PRIMARY KEY,
    group_folder TEXT NOT NULL,
    chat_jid TEXT NOT NULL,
    prompt TEXT NOT NULL,
    schedule_type TEXT NOT NULL,
    schedule_value TEXT NOT NULL,
    context_mode TEXT NOT NULL,
    next_run INTEGER,
    last_run INTEGER,
    last_result TEXT,
    status TEXT NOT NULL,
    created_at INTEGER NOT NULL
);

CREATE INDEX scheduled_tasks_due ON scheduled_tasks (next_run, id) WHERE status = 'active';

CREATE INDEX scheduled_tasks_by_group ON scheduled_tasks (group_folder, created_at);

CREATE TABLE task_run_logs (
    log_id INTEGER PRIMARY KEY AUTOINCREMENT,
    task_id TEXT NOT NULL REFERENCES scheduled_tasks (id) ON DELETE CASCADE,
    run_at INTEGER NOT NULL,
    duration_ms INTEGER NOT NULL,
    status TEXT NOT NULL,
    result TEXT,
    error TEXT
);

CREATE INDEX task_run_logs_by_task ON task_run_logs (task_id, run_at);
