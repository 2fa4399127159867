-- As history_buckets.sql, for buckets of whole hours on a hypertable: hours whose readings are gone come from reading_hour,
-- which outlives them. Where readings are, they are asked: hours are brought up to date only from time to time. States of the
-- model within these hours are joined where they are asked for, unless a late row has them already.
WITH in_time AS (
    SELECT sample_time, status, {names} FROM reading
    WHERE battery_key = %(battery_key)s AND sample_time >= %(start)s AND sample_time < %(end)s
), stored AS (
    SELECT sample_time, status, {names} FROM in_time
    UNION ALL
    SELECT sample_time, status, {names} FROM late_reading
    WHERE battery_key = %(battery_key)s AND sample_time >= %(start)s AND sample_time < %(end)s
), told AS (
    SELECT page.sample_time, coalesce(revised.status, page.status) AS status, {newest}
    FROM stored page
    LEFT JOIN revised_estimate revised
        ON revised.battery_key = %(battery_key)s AND revised.sample_time = page.sample_time {trace}
), parts AS (
    SELECT date_bin(%(bucket)s, sample_time, '1970-01-01 00:00:00+00') AS bucket_start,
           count(*) AS row_count, bool_or(status & 1 = 1) AS suspect, {row_parts}
    FROM told
    GROUP BY bucket_start
    UNION ALL
    SELECT date_bin(%(bucket)s, hour, '1970-01-01 00:00:00+00'), row_count, suspect, {hour_parts}
    FROM reading_hour
    WHERE battery_key = %(battery_key)s AND hour >= %(first_hour)s AND hour < %(last_hour)s
      AND hour NOT IN (SELECT date_bin('1 hour', sample_time, '1970-01-01 00:00:00+00') FROM in_time)
    {traces}
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
