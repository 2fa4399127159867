-- Rows of one battery in order of time, late ones in their place. Each column comes as one binary string of packed
-- numbers, which NumPy reads without making an object of each. Names and columns are filled in: one a metric.
WITH merged AS (
    (SELECT sample_time, status, {names} FROM reading {trace}
     WHERE battery_key = %(battery_key)s AND sample_time >= %(start)s AND sample_time < %(end)s
     ORDER BY sample_time LIMIT %(limit)s)
    UNION ALL
    (SELECT sample_time, status, {names} FROM late_reading {trace}
     WHERE battery_key = %(battery_key)s AND sample_time >= %(start)s AND sample_time < %(end)s
     ORDER BY sample_time LIMIT %(limit)s)
), page AS (
    SELECT * FROM merged ORDER BY sample_time LIMIT %(limit)s
)
SELECT string_agg(timestamptz_send(sample_time), '' ORDER BY sample_time) AS sample_time,
       string_agg(boolsend(status & 1 = 1), '' ORDER BY sample_time) AS suspect,
       {columns}
FROM page
