-- What `why` reads, by message and by run.

CREATE INDEX events_by_message ON events (chat_jid, seq, event_id) WHERE seq IS NOT NULL;

CREATE INDEX events_by_run ON events (run_id, event_id) WHERE run_id IS NOT NULL;

CREATE INDEX runs_by_chat ON runs (chat_jid, opened_at);

CREATE INDEX outbox_by_run ON outbox (run_id, position) WHERE run_id IS NOT NULL;
