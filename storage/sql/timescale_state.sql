-- Version of TimescaleDB that is installed or could be, whether it is installed, and whether the server has loaded it.
-- The version is null where there is none.
SELECT coalesce(e.extversion, a.default_version), e.extversion IS NOT NULL,
       current_setting('timescaledb.max_background_workers', true) IS NOT NULL
FROM (VALUES (1)) one
LEFT JOIN pg_extension e ON e.extname = 'timescaledb'
LEFT JOIN pg_available_extensions a ON a.name = 'timescaledb'
