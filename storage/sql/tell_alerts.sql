-- Notes once more that alerts have been raised, now that what they are about has reached the present.
INSERT INTO alert_change (alert_id, change, severity, at)
SELECT alert_id, 1, severity, told.at
FROM unnest(%(alert_ids)s::text[], %(at)s::timestamptz[]) AS told (alert_id, at)
JOIN alert USING (alert_id)
WHERE cleared_at IS NULL AND resolved_at IS NULL
ON CONFLICT DO NOTHING
