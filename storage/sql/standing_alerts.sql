-- Alerts whose condition stood at a time, with what people had done to them by another, which may be infinity, and with
-- the rank that they had by then: one that was higher already would not rise again in a drill.
SELECT a.alert_id, s.battery_id, a.string_id, a.location_id, a.rule,
       coalesce((SELECT c.severity
                 FROM alert_change c
                 WHERE c.alert_id = a.alert_id AND c.change IN (1, 2, 6) AND c.at <= %(done_by)s::timestamptz
                 ORDER BY c.seq DESC
                 LIMIT 1), a.severity) AS severity,
       a.raised_at,
       CASE WHEN a.acknowledged_at <= %(done_by)s::timestamptz THEN a.acknowledged_at END AS acknowledged_at,
       CASE WHEN a.acknowledged_at <= %(done_by)s::timestamptz THEN a.acknowledged_by ELSE '' END AS acknowledged_by,
       CASE WHEN a.acknowledged_at <= %(done_by)s::timestamptz THEN a.acknowledged_note ELSE '' END AS acknowledged_note,
       CASE WHEN a.resolved_at <= %(done_by)s::timestamptz THEN a.resolved_at END AS resolved_at,
       CASE WHEN a.resolved_at <= %(done_by)s::timestamptz THEN a.resolved_by ELSE '' END AS resolved_by,
       CASE WHEN a.resolved_at <= %(done_by)s::timestamptz THEN a.resolved_note ELSE '' END AS resolved_note,
       a.shelved_until, a.value, a.threshold, a.unit, a.message
FROM alert a
JOIN alert_status s USING (alert_id)
WHERE a.raised_at <= %(at)s
  AND (a.cleared_at IS NULL OR a.cleared_at > %(at)s)
  AND s.location_id = ANY(%(location_ids)s)
  AND (s.string_id = '' OR s.string_id = ANY(%(string_ids)s))
ORDER BY a.raised_at, a.alert_id
