-- Lives of snapshots that neither a restart nor what is recorded late will begin from: the newest two that hold keep theirs, and
-- those of the last 32 days (a replaced block or a sensor may be recorded 31 days late).
UPDATE twin_snapshot s
SET life = NULL, life_sha256 = NULL
FROM (
    SELECT battery_key, layout, watermark, taken_at,
           row_number() OVER (
               PARTITION BY battery_key, layout, superseded_at IS NULL AND damaged_at IS NULL
               ORDER BY watermark DESC, taken_at DESC
           ) AS newest_rank,
           max(watermark) OVER (PARTITION BY battery_key) - watermark AS age
    FROM twin_snapshot
) r
WHERE (s.battery_key, s.layout, s.watermark, s.taken_at) = (r.battery_key, r.layout, r.watermark, r.taken_at)
  AND s.life IS NOT NULL AND r.newest_rank > 2 AND r.age > interval '32 days'
