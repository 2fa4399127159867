-- Blocks with what is known of their ends: those that have gone and of which nothing is noted yet, or those that serve.
-- One that has gone waits until all tests and replacements of its slot have reached the twin.
WITH unit AS (
    SELECT battery_key, unit_seq, serial, installed_on::timestamp AT TIME ZONE 'UTC' AS since
    FROM battery
    UNION ALL
    SELECT battery_key, unit_seq, serial, since
    FROM battery_unit
), block AS (
    SELECT u.*, n.since AS gone_at, n.event_id
    FROM unit u
    LEFT JOIN battery_unit n ON n.battery_key = u.battery_key AND n.unit_seq = u.unit_seq + 1
    WHERE (n.since IS NOT NULL) = %(gone)s
      AND (%(keys)s::int[] IS NULL OR u.battery_key = ANY (%(keys)s))
)
SELECT k.battery_key, b.battery_id, k.unit_seq, k.serial, k.since, k.gone_at, k.event_id, e.replacement_reason,
       s.end_soh, told.newest AS newest_as_of, below.since AS below_since
FROM block k
JOIN battery b USING (battery_key)
JOIN string t USING (string_key)
JOIN datasheet d USING (model)
CROSS JOIN LATERAL (SELECT coalesce((d.content ->> 'end_of_life_soh')::float8, 0.80) AS end_soh) s
LEFT JOIN event e ON e.event_id = k.event_id
CROSS JOIN LATERAL (
    SELECT max(as_of) AS newest, max(as_of) FILTER (WHERE NOT soh_capacity < s.end_soh) AS good_until
    FROM prediction p
    WHERE p.battery_key = k.battery_key AND role = 1 AND p.unit_seq = k.unit_seq
      AND as_of < coalesce(k.gone_at, 'infinity')
) told
CROSS JOIN LATERAL (
    SELECT min(as_of) AS since
    FROM prediction p
    WHERE p.battery_key = k.battery_key AND role = 1 AND p.unit_seq = k.unit_seq
      AND as_of < coalesce(k.gone_at, 'infinity') AND as_of > coalesce(told.good_until, '-infinity')
) below
WHERE NOT %(gone)s
   OR NOT EXISTS (SELECT FROM life_end l WHERE l.battery_key = k.battery_key AND l.unit_seq = k.unit_seq)
  AND NOT EXISTS (
      SELECT
      FROM event w
      LEFT JOIN twin_input i ON i.battery_key = w.battery_key AND i.source_id = w.event_id
      WHERE w.battery_key = k.battery_key AND w.kind IN (4, 6) AND i.battery_key IS NULL
  )
ORDER BY k.battery_key, k.unit_seq
