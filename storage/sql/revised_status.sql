-- How newer revisions judge rows of some batteries, each after a time of its own, up to one for all.
SELECT v.battery_key, v.sample_time, v.status
FROM unnest(%(keys)s::int[], %(watermarks)s::timestamptz[]) AS mark (battery_key, watermark)
JOIN revised_estimate v ON v.battery_key = mark.battery_key AND v.sample_time > mark.watermark
WHERE v.sample_time <= %(last)s
ORDER BY v.battery_key, v.sample_time
