-- Current files of readings of whose batteries and days there are estimates of newer revisions in the tables.
SELECT DISTINCT f.path
FROM (SELECT DISTINCT battery_key, (sample_time AT TIME ZONE 'UTC')::date AS day FROM revised_estimate) v
JOIN archive_file f
  ON v.day BETWEEN f.first_day AND f.last_day AND v.battery_key BETWEEN f.first_battery_key AND f.last_battery_key
WHERE f.kind = 1 AND f.superseded_at IS NULL
