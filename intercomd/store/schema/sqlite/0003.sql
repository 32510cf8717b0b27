CREATE TABLE holds (
    duty TEXT PRIMARY KEY,
    who TEXT NOT NULL,
    why TEXT NOT NULL,
    placed_at INTEGER NOT NULL,
    grace_ms INTEGER
) WITHOUT ROWID;
