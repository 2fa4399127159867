INSERT INTO lease (owner, backend_pid, backend_start)
SELECT %(owner)s, pid, backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()
RETURNING lease_id
