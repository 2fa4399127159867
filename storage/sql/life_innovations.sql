-- Pairs of what was told of one block: the newest, and the newest one that is `apart_days` older, both with the model's
-- say. A block that has gone at the end of its life ends its pair with its replacement.
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
    ORDER BY predicted_at DESC LIMIT 1
) older
UNION ALL
SELECT u.battery_key, true, extract(epoch FROM older.as_of)::float8, older.days_50,
       extract(epoch FROM u.since)::float8, 0.0, older.model_key
FROM battery_unit u
CROSS JOIN LATERAL (
    SELECT * FROM prediction
    WHERE battery_key = u.battery_key AND role = 1 AND unit_seq = u.unit_seq - 1
    ORDER BY predicted_at DESC LIMIT 1
) last
CROSS JOIN LATERAL (
    SELECT * FROM prediction
    WHERE battery_key = u.battery_key AND role = 1 AND source = 1 AND unit_seq = u.unit_seq - 1
      AND predicted_at <= last.predicted_at - make_interval(days => %(apart_days)s)
    ORDER BY predicted_at DESC LIMIT 1
) older
WHERE last.soh_capacity < %(end_soh)s AND u.since > now() - make_interval(days => %(window_days)s)
