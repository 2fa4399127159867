-- Revisions older than any moment that can be asked about. The last of them stays: it is what was known when the first such
-- moment began, and the newest of a battery says how the next one is numbered. So does one that estimates still name.
DELETE FROM twin_revision n
USING (
    SELECT battery_key, max(revision) AS revision FROM twin_revision
    WHERE known_at < %(raw_before)s GROUP BY battery_key
) last_known
WHERE n.battery_key = last_known.battery_key AND n.revision < last_known.revision AND n.known_at < %(raw_before)s
  AND NOT EXISTS (
      SELECT 1 FROM revised_estimate v WHERE v.battery_key = n.battery_key AND v.revision = n.revision
  )
