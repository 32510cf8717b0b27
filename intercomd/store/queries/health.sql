-- :name ping
SELECT COUNT(*) AS count FROM schema_version
