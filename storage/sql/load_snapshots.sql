-- Newest snapshot of this layout that holds, of each battery, before a time of its own.
SELECT s.battery_key, s.watermark, s.taken_at, s.state, s.sha256, s.life, s.life_sha256
FROM unnest(%(keys)s::int[], %(before)s::timestamptz[]) AS g (battery_key, before)
CROSS JOIN LATERAL (
    SELECT * FROM twin_snapshot t
    WHERE t.battery_key = g.battery_key AND t.layout = %(layout)s AND t.watermark < g.before
      AND t.superseded_at IS NULL AND t.damaged_at IS NULL
    ORDER BY t.watermark DESC, t.taken_at DESC
    LIMIT 1
) s
