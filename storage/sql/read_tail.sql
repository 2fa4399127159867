-- Rows newer than each battery's watermark. oldest, the smallest of the watermarks, lets whole days be left out.
SELECT r.*
FROM reading r
JOIN unnest(%(keys)s::int[], %(watermarks)s::timestamptz[]) AS mark (battery_key, watermark)
  ON mark.battery_key = r.battery_key AND r.sample_time > mark.watermark
WHERE r.sample_time > %(oldest)s
