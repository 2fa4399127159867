-- Snapshots that lack something which belongs before their watermark.
UPDATE twin_snapshot s SET superseded_at = %(known_at)s
FROM unnest(%(keys)s::int[], %(from_times)s::timestamptz[]) AS g (battery_key, from_time)
WHERE s.battery_key = g.battery_key AND s.watermark >= g.from_time AND s.superseded_at IS NULL
