-- One page of events, newest first. A filter that is null selects everything. What has no end lasts if it is an outage,
-- and else ended when it began: it belongs to the time that begins at that instant, not to the one that ends there.
SELECT *
FROM event_with_battery
WHERE (%(location_ids)s::text[] IS NULL OR location_id = ANY(%(location_ids)s))
  AND (%(of_string)s::text IS NULL OR string_id IN (%(of_string)s, ''))
  AND (%(of_battery)s::int IS NULL OR battery_key IS NULL OR battery_key = %(of_battery)s)
  AND (%(kinds)s::int[] IS NULL OR kind = ANY(%(kinds)s))
  AND (%(start)s::timestamptz IS NULL
       OR start_time >= %(start)s
       OR coalesce(end_time, CASE WHEN kind = 3 THEN 'infinity' ELSE start_time END) > %(start)s)
  AND (%(end)s::timestamptz IS NULL OR start_time < %(end)s)
  AND (%(after)s::bigint IS NULL
       OR (start_time, event_key) < (SELECT start_time, event_key FROM event WHERE event_key = %(after)s))
ORDER BY start_time DESC, event_key DESC
LIMIT %(limit)s
