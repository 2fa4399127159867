-- Whether the tables hold a row of some batteries between two times, the end exclusive.
SELECT EXISTS (
    SELECT FROM reading
    WHERE battery_key = ANY(%(battery_keys)s::int[]) AND sample_time >= %(start)s AND sample_time < %(end)s
) OR EXISTS (
    SELECT FROM late_reading
    WHERE battery_key = ANY(%(battery_keys)s::int[]) AND sample_time >= %(start)s AND sample_time < %(end)s
) AS found
