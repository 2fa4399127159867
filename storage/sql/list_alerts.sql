-- One page of alerts, newest first. A filter that is null selects everything.
SELECT *
FROM alert_status
WHERE (%(location_ids)s::text[] IS NULL OR location_id = ANY(%(location_ids)s))
  AND (%(battery_id)s::text IS NULL OR battery_id = %(battery_id)s)
  AND (%(states)s::int[] IS NULL OR state = ANY(%(states)s))
  AND severity >= %(min_severity)s
  AND (%(start)s::timestamptz IS NULL OR raised_at >= %(start)s)
  AND (%(end)s::timestamptz IS NULL OR raised_at < %(end)s)
  AND (%(after_raised_at)s::timestamptz IS NULL
       OR (raised_at, alert_id) < (%(after_raised_at)s, %(after_alert_id)s::text))
ORDER BY raised_at DESC, alert_id DESC
LIMIT %(limit)s
