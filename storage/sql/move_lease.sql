-- Gives a lease to this connection, unless another owner has revoked it.
UPDATE lease l
SET backend_pid = a.pid, backend_start = a.backend_start
FROM pg_stat_activity a
WHERE l.lease_id = %(lease_id)s AND NOT l.revoked AND a.pid = pg_backend_pid()
