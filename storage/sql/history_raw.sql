-- Rows of one battery in order of time, late ones in their place, with the newest estimates. Each column comes as one
-- binary string of packed numbers, which NumPy reads without making an object of each. Names and columns are filled in:
-- one a metric.
WITH merged AS (
    {pieces}
    UNION ALL
    (SELECT sample_time, status, {names} FROM late_reading
     WHERE battery_key = %(battery_key)s AND sample_time >= %(start)s AND sample_time < %(end)s
     ORDER BY sample_time LIMIT %(limit)s)
), page AS (
    SELECT * FROM merged ORDER BY sample_time LIMIT %(limit)s
), told AS (
    SELECT page.sample_time, coalesce(revised.status, page.status) AS status, {newest}
    FROM page
    LEFT JOIN revised_estimate revised
        ON revised.battery_key = %(battery_key)s AND revised.sample_time = page.sample_time {trace}
    ORDER BY page.sample_time
)
SELECT string_agg(timestamptz_send(sample_time), '' ORDER BY sample_time) AS sample_time,
       string_agg(boolsend(status & 1 = 1), '' ORDER BY sample_time) AS suspect,
       {columns}
FROM told
