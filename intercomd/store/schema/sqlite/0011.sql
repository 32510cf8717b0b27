-- What is looked for by age: records past their time, and claims of a clock that was ahead.

CREATE INDEX task_fires_by_age ON task_fires (claimed_at);

CREATE INDEX task_run_logs_by_age ON task_run_logs (run_at);

CREATE INDEX cancels_by_age ON cancels (cancelled_at);
