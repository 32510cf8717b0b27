-- What agents have asked for by files, so that a crash in the middle changes nothing the second time.

CREATE TABLE agent_files (
    file_key TEXT PRIMARY KEY,
    folder TEXT NOT NULL,
    digest TEXT NOT NULL,
    run_id TEXT,
    is_ok INTEGER,
    answer TEXT,
    claimed_at INTEGER NOT NULL
) WITHOUT ROWID;

CREATE INDEX agent_files_by_age ON agent_files (claimed_at);
