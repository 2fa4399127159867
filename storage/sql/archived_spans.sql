-- Current files of readings that may hold rows of these batteries in these days (since 1970-01-01; null = open end),
-- with the days and batteries that they stand for.
SELECT f.path, f.first_day - '1970-01-01'::date AS first_day, f.last_day - '1970-01-01'::date AS last_day,
       f.first_battery_key, f.last_battery_key
FROM archive_file f
WHERE f.superseded_at IS NULL AND f.kind = 1
  AND f.last_day >= '1970-01-01'::date + %(first_day)s::int
  AND (%(last_day)s::int IS NULL OR f.first_day <= '1970-01-01'::date + %(last_day)s::int)
  AND EXISTS (SELECT 1 FROM unnest(%(keys)s::int[]) k WHERE k BETWEEN f.first_battery_key AND f.last_battery_key)
ORDER BY f.first_day, f.first_battery_key
