-- Where the log of a battery begins and ends; of sealed days, whole days.
SELECT least(r.first, l.first, a.first), greatest(r.last, l.last, a.last)
FROM (SELECT min(sample_time) AS first, max(sample_time) AS last FROM reading WHERE battery_key = %(key)s) r,
     (SELECT min(sample_time) AS first, max(sample_time) AS last FROM late_reading
      WHERE battery_key = %(key)s AND applied) l,
     (SELECT min(first_day)::timestamptz AS first, (max(last_day) + 1)::timestamptz AS last FROM archive_file
      WHERE kind = 1 AND superseded_at IS NULL AND %(key)s BETWEEN first_battery_key AND last_battery_key) a
