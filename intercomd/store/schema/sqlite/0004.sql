-- Scheduled tasks with a zone of their own, and one row per (task, fire time): what became of it.

-- NULL is the default zone of the settings, which SQL does not know: whoever reads the row puts it in.
ALTER TABLE scheduled_tasks ADD COLUMN zone TEXT;

ALTER TABLE scheduled_tasks ADD COLUMN misfire TEXT NOT NULL DEFAULT 'run_once';

ALTER TABLE scheduled_tasks ADD COLUMN overlap TEXT NOT NULL DEFAULT 'skip';

ALTER TABLE scheduled_tasks ADD COLUMN anchor_at INTEGER NOT NULL DEFAULT 0;

ALTER TABLE scheduled_tasks ADD COLUMN number INTEGER NOT NULL DEFAULT 0;

ALTER TABLE scheduled_tasks ADD COLUMN failures INTEGER NOT NULL DEFAULT 0;

UPDATE scheduled_tasks SET anchor_at = created_at, number = numbered.number
FROM (SELECT id, ROW_NUMBER() OVER (PARTITION BY group_folder ORDER BY created_at, id) AS number
    FROM scheduled_tasks) AS numbered
WHERE numbered.id = scheduled_tasks.id;

CREATE UNIQUE INDEX scheduled_tasks_by_number ON scheduled_tasks (group_folder, number);

CREATE INDEX scheduled_tasks_open ON scheduled_tasks (group_folder, number) WHERE status <> 'completed';

CREATE INDEX scheduled_tasks_by_id ON scheduled_tasks (group_folder, id);

CREATE TABLE task_numbers (
    folder TEXT PRIMARY KEY,
    last_number INTEGER NOT NULL
) WITHOUT ROWID;

INSERT INTO task_numbers (folder, last_number)
SELECT group_folder, COUNT(*) FROM scheduled_tasks GROUP BY group_folder;

CREATE TABLE task_fires (
    task_id TEXT NOT NULL,
    fire_at INTEGER NOT NULL,
    through INTEGER NOT NULL,
    folder TEXT NOT NULL,
    chat_jid TEXT NOT NULL,
    state TEXT NOT NULL,
    reason TEXT,
    is_late INTEGER NOT NULL DEFAULT 0,
    manual_key TEXT,
    attempts INTEGER NOT NULL DEFAULT 0,
    was_orphaned INTEGER NOT NULL DEFAULT 0,
    not_before INTEGER NOT NULL DEFAULT 0,
    run_id TEXT,
    epoch INTEGER,
    result TEXT,
    claimed_at INTEGER NOT NULL,
    settled_at INTEGER,
    PRIMARY KEY (task_id, fire_at)
) WITHOUT ROWID;

CREATE UNIQUE INDEX task_fires_by_key ON task_fires (task_id, manual_key) WHERE manual_key IS NOT NULL;

CREATE INDEX task_fires_unsettled ON task_fires (task_id, state) WHERE settled_at IS NULL;

CREATE INDEX task_fires_queued ON task_fires (folder, claimed_at, fire_at) WHERE state = 'queued';

CREATE INDEX task_fires_waiting ON task_fires (not_before) WHERE state = 'queued';

ALTER TABLE runs ADD COLUMN task_id TEXT;

ALTER TABLE runs ADD COLUMN fire_at INTEGER;

ALTER TABLE runs ADD COLUMN context_mode TEXT;

ALTER TABLE events ADD COLUMN task_id TEXT;

CREATE INDEX events_by_task ON events (task_id, event_id) WHERE task_id IS NOT NULL;
