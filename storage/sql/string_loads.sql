-- Strings of some batteries by the minute: how many of their blocks were heard, how many of them carried load (regime
-- 2), and when first. Implausible rows say nothing.
SELECT t.string_id, date_bin('1 minute', r.sample_time, '1970-01-01 00:00:00+00') AS minute,
       count(DISTINCT r.battery_key)::int AS heard,
       (count(DISTINCT r.battery_key) FILTER (WHERE (r.status >> 8) & 15 = 2))::int AS loaded,
       min(r.sample_time) AS first_time,
       min(r.sample_time) FILTER (WHERE (r.status >> 8) & 15 = 2) AS first_loaded_time
FROM (
    SELECT battery_key, sample_time, status FROM reading
    WHERE battery_key = ANY(%(battery_keys)s::int[]) AND sample_time >= %(start)s AND sample_time < %(end)s
    UNION ALL
    SELECT battery_key, sample_time, status FROM late_reading
    WHERE battery_key = ANY(%(battery_keys)s::int[]) AND sample_time >= %(start)s AND sample_time < %(end)s
) r
JOIN battery b USING (battery_key)
JOIN string t USING (string_key)
WHERE r.status & 1 = 0
GROUP BY t.string_id, minute
ORDER BY minute
