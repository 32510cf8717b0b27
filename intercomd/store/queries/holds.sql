-- One row per duty that an operator keeps idle.

-- :name find_hold
SELECT * FROM holds WHERE duty = :duty

-- :name place_hold
INSERT INTO holds (duty, who, why, placed_at, grace_ms) VALUES (:duty, :who, :why, :placed_at, :grace_ms)
ON CONFLICT (duty) DO UPDATE
SET who = excluded.who, why = excluded.why, placed_at = excluded.placed_at, grace_ms = excluded.grace_ms

-- :name lift_hold
DELETE FROM holds WHERE duty = :duty RETURNING duty
