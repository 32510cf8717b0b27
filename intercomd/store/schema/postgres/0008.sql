-- Whose conversation the group's next run is told about: the model before a switch; NULL when there was none.

ALTER TABLE groups ADD COLUMN carried_from TEXT;
