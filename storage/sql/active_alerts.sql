-- Alerts whose condition stands and which nobody has closed or shelved, oldest first.
SELECT *
FROM alert_status
WHERE cleared_at IS NULL AND resolved_at IS NULL AND state IN (1, 2)
ORDER BY raised_at, alert_id
