-- Changes after a number, in order of commit, each with the alert as it is now.
SELECT c.seq, c.change, c.at, c.actor, c.severity AS severity_then, a.*
FROM alert_change c
JOIN alert_status a USING (alert_id)
WHERE c.seq > %(seq)s
ORDER BY c.seq
LIMIT %(limit)s
