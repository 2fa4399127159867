-- Those that live first, then the newest first; of some locations: all that lie within them.
SELECT drill_id, state, title, reason, parts, names, location_ids, battery_count, seed, speed, begin_at, now_at, end_at,
       started_at, started_by, stopped_at, stopped_by, reading_count, revision
FROM drill
WHERE (%(drill_id)s::text IS NULL OR drill_id = %(drill_id)s)
  AND (NOT %(only_active)s OR stopped_at IS NULL)
  AND (%(locations)s::text[] IS NULL OR location_ids <@ %(locations)s)
ORDER BY (stopped_at IS NULL) DESC, drill_key DESC
LIMIT %(limit)s OFFSET %(skip)s
