-- Rows of one battery summed up in buckets aligned to 1970-01-01 UTC, in order of time, with the newest estimates. NaN
-- means "not measured", so it counts as null. Columns come as in history_raw.sql; names, sums and columns are filled
-- in: one or three a metric.
WITH stored AS (
    {pieces}
    UNION ALL
    SELECT sample_time, status, {names} FROM late_reading
    WHERE battery_key = %(battery_key)s AND sample_time >= %(start)s AND sample_time < %(end)s
), told AS (
    SELECT page.sample_time, coalesce(revised.status, page.status) AS status, {newest}
    FROM stored page
    LEFT JOIN revised_estimate revised
        ON revised.battery_key = %(battery_key)s AND revised.sample_time = page.sample_time {trace}
), summed AS (
    SELECT date_bin(%(bucket)s, sample_time, '1970-01-01 00:00:00+00') AS bucket_start,
           count(*)::int AS row_count,
           bool_or(status & 1 = 1) AS suspect,
           {sums}
    FROM told
    GROUP BY bucket_start
    ORDER BY bucket_start
    LIMIT %(limit)s
)
SELECT string_agg(timestamptz_send(bucket_start), '' ORDER BY bucket_start) AS sample_time,
       string_agg(boolsend(suspect), '' ORDER BY bucket_start) AS suspect,
       string_agg(int4send(row_count), '' ORDER BY bucket_start) AS row_count,
       {columns}
FROM summed
