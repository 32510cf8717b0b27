-- :name ping
SELECT COUNT(*) AS count FROM schema_version

-- :name find_schema_version
SELECT MAX(version) AS version FROM schema_version
