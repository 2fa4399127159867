-- The oldest projection that waits, which runs from now on.
UPDATE projection
SET state = 2
WHERE projection_key = (SELECT min(projection_key) FROM projection WHERE state = 1)
RETURNING projection_key, projection_id, request, location_ids, battery_count, batteries_sha256, asked_at, asked_by,
    state, reason, begin_at, done_at, took_s, NULL AS result
