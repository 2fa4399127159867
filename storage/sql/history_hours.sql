-- As history_buckets.sql, for buckets of whole hours on a hypertable: whole hours come from reading_hour, which outlives
-- the readings. Hours in which something came late are put together from their rows, as long as those are there, and so
-- are the broken hours at both ends.
WITH touched AS (
    SELECT date_bin('1 hour', sample_time, '1970-01-01 00:00:00+00') AS hour FROM late_reading
    WHERE battery_key = %(battery_key)s AND sample_time >= %(first_hour)s AND sample_time < %(last_hour)s
    UNION
    SELECT date_bin('1 hour', sample_time, '1970-01-01 00:00:00+00') FROM revised_estimate
    WHERE battery_key = %(battery_key)s AND sample_time >= %(first_hour)s AND sample_time < %(last_hour)s
), in_touched AS (
    SELECT touched.hour, r.* FROM touched
    JOIN LATERAL (
        SELECT sample_time, status, {names} FROM reading
        WHERE battery_key = %(battery_key)s
          AND sample_time >= touched.hour AND sample_time < touched.hour + interval '1 hour'
    ) r ON true
), stored AS (
    SELECT sample_time, status, {names} FROM reading
    WHERE battery_key = %(battery_key)s AND sample_time >= %(start)s AND sample_time < %(first_hour)s
    UNION ALL
    SELECT sample_time, status, {names} FROM reading
    WHERE battery_key = %(battery_key)s AND sample_time >= %(last_hour)s AND sample_time < %(end)s
    UNION ALL
    SELECT sample_time, status, {names} FROM in_touched
    UNION ALL
    SELECT sample_time, status, {names} FROM late_reading
    WHERE battery_key = %(battery_key)s AND sample_time >= %(start)s AND sample_time < %(end)s
), told AS (
    SELECT page.sample_time, coalesce(revised.status, page.status) AS status, {newest}
    FROM stored page
    LEFT JOIN revised_estimate revised
        ON revised.battery_key = %(battery_key)s AND revised.sample_time = page.sample_time
), parts AS (
    SELECT date_bin(%(bucket)s, sample_time, '1970-01-01 00:00:00+00') AS bucket_start,
           count(*) AS row_count, bool_or(status & 1 = 1) AS suspect, {row_parts}
    FROM told
    GROUP BY bucket_start
    UNION ALL
    SELECT date_bin(%(bucket)s, hour, '1970-01-01 00:00:00+00'), row_count, suspect, {hour_parts}
    FROM reading_hour
    WHERE battery_key = %(battery_key)s AND hour >= %(first_hour)s AND hour < %(last_hour)s
      AND hour NOT IN (SELECT hour FROM in_touched)
), summed AS (
    SELECT bucket_start, sum(row_count)::int AS row_count, bool_or(suspect) AS suspect, {sums}
    FROM parts
    GROUP BY bucket_start
    ORDER BY bucket_start
    LIMIT %(limit)s
)
SELECT string_agg(timestamptz_send(bucket_start), '' ORDER BY bucket_start) AS sample_time,
       string_agg(boolsend(suspect), '' ORDER BY bucket_start) AS suspect,
       string_agg(int4send(row_count), '' ORDER BY bucket_start) AS row_count,
       {columns}
FROM summed
