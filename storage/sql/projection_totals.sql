-- What came of projections that are done, with their totals.
SELECT projection_key, projection_id, request, location_ids, battery_count, batteries_sha256, asked_at, asked_by, state,
    reason, begin_at, done_at, took_s, result, totals
FROM projection
WHERE projection_id = ANY(%(projection_ids)s) AND deleted_at IS NULL
