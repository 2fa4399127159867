-- Newer estimates of rows that are gone.
DELETE FROM revised_estimate v
USING twin_revision n
WHERE n.battery_key = v.battery_key AND n.revision = v.revision
  AND v.sample_time < %(raw_before)s AND n.known_at < %(raw_before)s
