-- Keeps, of each battery and layout: the newest two that hold (the second is there for the day on which the first is damaged), the
-- first of each hour of the last 25 (late readings start from there), and the first of each week that holds (past states
-- start from there) for as long as raw readings are kept. Damaged ones stay a month to be told of.
DELETE FROM twin_snapshot s
USING (
    SELECT battery_key, layout, watermark, taken_at, superseded_at, damaged_at,
           row_number() OVER (
               PARTITION BY battery_key, layout, superseded_at IS NULL AND damaged_at IS NULL
               ORDER BY watermark DESC, taken_at DESC
           ) AS newest_rank,
           row_number() OVER (
               PARTITION BY battery_key, layout, superseded_at IS NULL AND damaged_at IS NULL,
                            date_trunc('hour', watermark)
               ORDER BY watermark, taken_at
           ) AS hour_rank,
           row_number() OVER (
               PARTITION BY battery_key, superseded_at IS NULL AND damaged_at IS NULL, layout,
                            date_trunc('week', watermark)
               ORDER BY watermark, taken_at
           ) AS week_rank,
           max(watermark) OVER (PARTITION BY battery_key) - watermark AS age
    FROM twin_snapshot
) r
WHERE (s.battery_key, s.layout, s.watermark, s.taken_at) = (r.battery_key, r.layout, r.watermark, r.taken_at)
  AND CASE
      WHEN r.damaged_at IS NOT NULL THEN r.damaged_at < now() - interval '30 days'
      WHEN r.superseded_at IS NOT NULL THEN r.age > interval '25 hours'
      ELSE r.newest_rank > 2
           AND NOT (r.age <= interval '25 hours' AND r.hour_rank = 1)
           AND NOT (r.age <= make_interval(days => %(kept_days)s) AND r.week_rank = 1)
      END
