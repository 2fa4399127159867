-- The projection that a request has asked for, also when it was deleted since; without its result.
SELECT projection_key, projection_id, request, location_ids, battery_count, batteries_sha256, asked_at, asked_by, state,
    reason, begin_at, done_at, took_s, NULL AS result
FROM projection
WHERE request_id = %(request_id)s
