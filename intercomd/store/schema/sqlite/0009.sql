-- What a group's sandboxes may reach: none (the model alone) or full; decided for each group.

ALTER TABLE groups ADD COLUMN network TEXT NOT NULL DEFAULT 'none';
