-- Estimates that a file of the archive has taken over, unless there are newer ones meanwhile.
DELETE FROM revised_estimate v
USING unnest(%(keys)s::int[], %(times)s::timestamptz[], %(revisions)s::int[]) AS t (battery_key, sample_time, revision)
WHERE v.battery_key = t.battery_key AND v.sample_time = t.sample_time AND v.revision = t.revision
