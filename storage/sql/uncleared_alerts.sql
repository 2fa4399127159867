-- Alerts of some rules whose condition stands, whatever people have done to them, oldest first.
SELECT *
FROM alert_status
WHERE cleared_at IS NULL AND rule = ANY (%(rules)s::int[])
ORDER BY raised_at, alert_id
