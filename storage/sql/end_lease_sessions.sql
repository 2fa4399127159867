-- Ends the sessions of leases and waits until they are gone; a session that merely reuses a pid is left alone.
SELECT pg_terminate_backend(a.pid, 5000)
FROM lease l
JOIN pg_stat_activity a ON a.pid = l.backend_pid AND a.backend_start = l.backend_start
WHERE l.lease_id = ANY(%(lease_ids)s) AND a.pid <> pg_backend_pid()
