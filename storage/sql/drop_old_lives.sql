-- Lives of snapshots that neither a restart nor what is told of late will begin from, of each battery and layout. What
-- is told of latest stands at the reach before the newest row, and begins from the newest snapshot before that which
-- holds. However old that one is, it keeps its life, and so do two more: it may be found damaged, or be thinned out.
UPDATE twin_snapshot s
SET life = NULL, life_sha256 = NULL
FROM (
    SELECT battery_key, layout, watermark, taken_at,
           row_number() OVER (
               PARTITION BY battery_key, layout, superseded_at IS NULL AND damaged_at IS NULL
               ORDER BY watermark DESC, taken_at DESC
           ) AS rank_beyond
    FROM (
        SELECT battery_key, layout, watermark, taken_at, superseded_at, damaged_at,
               max(watermark) OVER (PARTITION BY battery_key) - watermark AS age
        FROM twin_snapshot
    ) a
    WHERE age > %(reach)s
) r
WHERE (s.battery_key, s.layout, s.watermark, s.taken_at) = (r.battery_key, r.layout, r.watermark, r.taken_at)
  AND s.life IS NOT NULL AND r.rank_beyond > 3
