-- Pairs of what was told of one block: the newest, and the newest one that is `apart_days` older and rests on readings so
-- much older, both with the model's say; a battery that was not read meanwhile says nothing new. A block that has gone at the end of its life, as life_end has it, ends its pair with that end; what was told of
-- it is its last month that is so much older.
SELECT b.battery_key, false AS realised, extract(epoch FROM older.as_of)::float8 AS older_s, older.days_50 AS older_days,
       extract(epoch FROM newer.as_of)::float8 AS newer_s, newer.days_50 AS newer_days, older.model_key
FROM battery b
CROSS JOIN LATERAL (
    SELECT * FROM prediction
    WHERE battery_key = b.battery_key AND role = 1 AND source = 1
    ORDER BY predicted_at DESC LIMIT 1
) newer
CROSS JOIN LATERAL (
    SELECT * FROM prediction
    WHERE battery_key = b.battery_key AND role = 1 AND source = 1 AND unit_seq = newer.unit_seq
      AND predicted_at <= newer.predicted_at - make_interval(days => %(apart_days)s)
      AND as_of <= newer.as_of - make_interval(days => %(apart_days)s)
    ORDER BY predicted_at DESC LIMIT 1
) older
UNION ALL
SELECT e.battery_key, true, extract(epoch FROM older.as_of)::float8, older.told_days,
       extract(epoch FROM e.until_at)::float8, 0.0, older.model_key
FROM life_end e
CROSS JOIN LATERAL (
    SELECT * FROM life_case c
    WHERE c.battery_key = e.battery_key AND c.unit_seq = e.unit_seq AND c.model_days <> 'NaN'
      AND c.as_of <= e.until_at - make_interval(days => %(apart_days)s)
    ORDER BY c.as_of DESC LIMIT 1
) older
WHERE e.outcome = ANY (%(ends)s) AND e.gone_at > now() - make_interval(days => %(window_days)s)
