-- Current files that touch some days and batteries, oldest first. Bounds that are null do not matter.
SELECT path, kind, first_day, last_day, first_battery_key, last_battery_key, row_count, byte_count, sha256
FROM archive_file
WHERE superseded_at IS NULL AND kind = %(kind)s
  AND (%(first_day)s::date IS NULL OR last_day >= %(first_day)s)
  AND (%(last_day)s::date IS NULL OR first_day <= %(last_day)s)
  AND (%(first_key)s::int IS NULL OR last_battery_key >= %(first_key)s)
  AND (%(last_key)s::int IS NULL OR first_battery_key <= %(last_key)s)
ORDER BY first_day, first_battery_key
