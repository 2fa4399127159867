-- Places (from 1) of the pairs that are stored, and what was measured. first and last, their range of times, let whole
-- days be left out.
WITH pair AS (
    SELECT * FROM unnest(%(keys)s::int[], %(times)s::timestamptz[])
        WITH ORDINALITY AS p (battery_key, sample_time, place)
)
SELECT p.place, r.voltage_v, r.current_a, r.temperature_c, r.internal_resistance_mohm
FROM pair p JOIN reading r ON r.battery_key = p.battery_key AND r.sample_time = p.sample_time
WHERE r.sample_time BETWEEN %(first)s AND %(last)s
UNION ALL
SELECT p.place, l.voltage_v, l.current_a, l.temperature_c, l.internal_resistance_mohm
FROM pair p JOIN late_reading l ON l.battery_key = p.battery_key AND l.sample_time = p.sample_time
