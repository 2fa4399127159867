-- Version of the archive, and its current files that touch a battery and some days, oldest first.
SELECT a.version, f.path, f.kind, f.first_day, f.last_day
FROM archive_state a
LEFT JOIN archive_file f
    ON f.superseded_at IS NULL AND %(battery_key)s BETWEEN f.first_battery_key AND f.last_battery_key
   AND f.last_day >= %(first_day)s AND f.first_day <= %(last_day)s
ORDER BY f.first_day
