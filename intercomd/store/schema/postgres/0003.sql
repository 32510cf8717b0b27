CREATE TABLE holds (
    duty TEXT PRIMARY KEY,
    who TEXT NOT NULL,
    why TEXT NOT NULL,
    placed_at BIGINT NOT NULL,
    grace_ms BIGINT
);
