-- The last hour of a battery between two times that is older than its readings, on a hypertable.
SELECT max(h.hour) AS hour FROM reading_hour h
WHERE h.battery_key = %(battery_key)s AND h.hour >= %(start)s AND h.hour < %(end)s
  AND h.hour < coalesce(
      (SELECT date_bin('1 hour', min(r.sample_time), '1970-01-01 00:00:00+00') FROM reading r
       WHERE r.battery_key = %(battery_key)s),
      'infinity'
  )
