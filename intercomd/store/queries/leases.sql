-- One row per duty.

-- :name lock_lease
-- :lock share
SELECT epoch FROM leases WHERE duty = :duty

-- :name find_lease
SELECT * FROM leases WHERE duty = :duty

-- :name add_lease
INSERT INTO leases (duty, boot_id, pid, start_ticks, epoch, renewals)
VALUES (:duty, :boot_id, :pid, :start_ticks, 1, 0) ON CONFLICT (duty) DO NOTHING RETURNING epoch

-- :name take_lease
UPDATE leases SET boot_id = :boot_id, pid = :pid, start_ticks = :start_ticks, epoch = epoch + 1, renewals = 0
WHERE duty = :duty AND epoch = :epoch AND renewals = :renewals RETURNING epoch

-- :name renew_lease
UPDATE leases SET renewals = renewals + 1 WHERE duty = :duty AND epoch = :epoch AND boot_id IS NOT NULL RETURNING epoch

-- :name release_lease
UPDATE leases SET boot_id = NULL, pid = NULL, start_ticks = NULL
WHERE duty = :duty AND epoch = :epoch AND boot_id IS NOT NULL RETURNING epoch
