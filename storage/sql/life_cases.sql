-- Moments of blocks that have gone, the newest ones' first; of each an even selection that keeps the last.
SELECT e.battery_key, b.battery_id, e.unit_seq, e.serial, e.installed_at, e.gone_at, e.until_at, e.outcome,
       c.as_of, c.predicted_at, c.model_key, c.told_days, c.model_days, c.inputs_layout, c.inputs
FROM (
    SELECT * FROM life_end
    ORDER BY made_at DESC, battery_key, unit_seq DESC
    LIMIT %(most_blocks)s
) e
JOIN battery b USING (battery_key)
CROSS JOIN LATERAL (
    SELECT x.*, row_number() OVER (ORDER BY x.as_of DESC) - 1 AS place, count(*) OVER () AS found
    FROM life_case x
    WHERE x.battery_key = e.battery_key AND x.unit_seq = e.unit_seq
) c
WHERE c.place %% greatest(ceil(c.found::numeric / %(most_each)s)::bigint, 1) = 0
ORDER BY e.made_at DESC, e.battery_key, e.unit_seq DESC, c.as_of
