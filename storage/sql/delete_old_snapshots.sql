-- Keeps the newest two of each battery: the second is there for the day on which the first is damaged.
DELETE FROM twin_snapshot s
USING (
    SELECT battery_key, watermark, layout,
           row_number() OVER (PARTITION BY battery_key ORDER BY watermark DESC, taken_at DESC) AS rank
    FROM twin_snapshot
    WHERE battery_key = ANY(%(keys)s)
) ranked
WHERE ranked.rank > 2
  AND (s.battery_key, s.watermark, s.layout) = (ranked.battery_key, ranked.watermark, ranked.layout)
