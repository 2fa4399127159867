-- Rows of one battery summed up in buckets aligned to 1970-01-01 UTC, in order of time. NaN means "not measured", so
-- it counts as null. Columns come as in history_raw.sql; names, sums and columns are filled in: one or three a metric.
WITH merged AS (
    SELECT sample_time, status, {names} FROM reading {trace}
    WHERE battery_key = %(battery_key)s AND sample_time >= %(start)s AND sample_time < %(end)s
    UNION ALL
    SELECT sample_time, status, {names} FROM late_reading {trace}
    WHERE battery_key = %(battery_key)s AND sample_time >= %(start)s AND sample_time < %(end)s
), page AS (
    SELECT date_bin(%(bucket)s, sample_time, '1970-01-01 00:00:00+00') AS bucket_start,
           count(*)::int AS row_count,
           bool_or(status & 1 = 1) AS suspect,
           {sums}
    FROM merged
    GROUP BY bucket_start
    ORDER BY bucket_start
    LIMIT %(limit)s
)
SELECT string_agg(timestamptz_send(bucket_start), '' ORDER BY bucket_start) AS sample_time,
       string_agg(boolsend(suspect), '' ORDER BY bucket_start) AS suspect,
       string_agg(int4send(row_count), '' ORDER BY bucket_start) AS row_count,
       {columns}
FROM page
