-- One page of projections without results, newest first, of those whose locations may all be seen.
SELECT projection_key, projection_id, request, location_ids, battery_count, batteries_sha256, asked_at, asked_by, state,
    reason, begin_at, done_at, took_s, NULL AS result
FROM projection
WHERE deleted_at IS NULL
  AND (%(seen)s::text[] IS NULL OR location_ids <@ %(seen)s)
  AND (%(after)s::bigint IS NULL OR projection_key < %(after)s)
ORDER BY projection_key DESC
LIMIT %(limit)s
