-- One projection; one that was deleted only where it is asked for, and then without its result.
SELECT projection_key, projection_id, request, location_ids, battery_count, batteries_sha256, asked_at, asked_by, state,
    reason, begin_at, done_at, took_s, result
FROM projection
WHERE projection_id = %(projection_id)s AND (%(deleted_too)s OR deleted_at IS NULL)
