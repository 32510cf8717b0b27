-- What agents asked for by files.

-- :name add_agent_file
-- With the run that is live now; no row when the key is known.
INSERT INTO agent_files (file_key, folder, digest, run_id, claimed_at)
VALUES (:key, :folder, :digest, :run_id, :now)
ON CONFLICT (file_key) DO NOTHING RETURNING file_key

-- :name find_agent_file
SELECT * FROM agent_files WHERE file_key = :key

-- :name settle_agent_file
UPDATE agent_files SET is_ok = :is_ok, answer = :answer WHERE file_key = :key AND answer IS NULL RETURNING folder, run_id

-- :name mark_run_effects
UPDATE runs SET has_effects = 1 WHERE folder = :folder AND outcome IS NULL RETURNING run_id, chat_jid

-- :name prune_agent_files
DELETE FROM agent_files WHERE file_key IN (SELECT file_key FROM agent_files WHERE claimed_at < :before LIMIT :limit)
RETURNING file_key
