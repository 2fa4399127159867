-- Estimates of newer revisions that rows of a day have taken with them.
DELETE FROM revised_estimate v
WHERE v.sample_time >= %(start)s AND v.sample_time < %(end)s
  AND EXISTS (SELECT 1 FROM {source} r WHERE r.battery_key = v.battery_key AND r.sample_time = v.sample_time)
