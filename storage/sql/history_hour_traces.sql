UNION ALL
SELECT date_bin(%(bucket)s, t.sample_time, '1970-01-01 00:00:00+00'), 0, false, {trace_parts}
FROM model_trace t
JOIN reading_hour h
    ON h.battery_key = t.battery_key AND h.hour = date_bin('1 hour', t.sample_time, '1970-01-01 00:00:00+00')
WHERE t.battery_key = %(battery_key)s AND t.sample_time >= %(first_hour)s AND t.sample_time < %(last_hour)s
  AND h.hour NOT IN (SELECT date_bin('1 hour', sample_time, '1970-01-01 00:00:00+00') FROM in_time)
  AND t.sample_time NOT IN (SELECT sample_time FROM stored)
