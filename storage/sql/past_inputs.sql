SELECT battery_key, seq, watermark, kind, at, soh_capacity, sigma, source_id, discharge_positive, offset_a
FROM twin_input
WHERE battery_key = %(key)s AND seq > %(taken)s AND watermark <= %(time)s
  AND (%(known)s::timestamptz IS NULL OR known_at <= %(known)s)
ORDER BY watermark, seq
