-- The file that a row of the outbox stands for, as JSON; NULL where it is a text.

ALTER TABLE outbox ADD COLUMN attachment TEXT;
