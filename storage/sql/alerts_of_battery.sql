-- Alerts of a battery, its string and its location that stood at some time between start and end, newest first. One
-- that a person has closed ends there, even if its condition lasts.
SELECT *
FROM alert_status
WHERE location_id = %(location_id)s
  AND string_id IN (%(string_id)s, '')
  AND battery_id IN (%(battery_id)s, '')
  AND raised_at < %(end)s
  AND coalesce(least(cleared_at, resolved_at), 'infinity') > %(start)s
ORDER BY raised_at DESC, alert_id DESC
LIMIT %(limit)s
