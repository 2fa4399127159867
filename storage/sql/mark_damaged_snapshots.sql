UPDATE twin_snapshot s SET damaged_at = now()
FROM unnest(%(keys)s::int[], %(watermarks)s::timestamptz[], %(taken)s::timestamptz[]) AS g (battery_key, watermark, taken_at)
WHERE s.battery_key = g.battery_key AND s.watermark = g.watermark AND s.taken_at = g.taken_at AND s.layout = %(layout)s
