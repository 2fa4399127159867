-- Keeps the newest two of each battery: the second is there for the day on which the first is damaged.
DELETE FROM twin_snapshot s
USING (
    SELECT battery_key, watermark, layout, taken_at,
           row_number() OVER (PARTITION BY battery_key ORDER BY watermark DESC, taken_at DESC) AS rank
    FROM twin_snapshot
    WHERE battery_key = ANY(%(keys)s)
) ranked
WHERE ranked.rank > 2
  AND (s.battery_key, s.layout, s.watermark, s.taken_at)
    = (ranked.battery_key, ranked.layout, ranked.watermark, ranked.taken_at)
