-- Takes a projection into the queue, unless the queue is full or its request has been taken already.
INSERT INTO projection (
    projection_id, request_id, request, location_ids, battery_count, batteries_sha256, asked_at, asked_by, state,
    reason, took_s
)
SELECT
    %(projection_id)s, %(request_id)s, %(request)s, %(location_ids)s, %(battery_count)s, %(batteries_sha256)s, %(at)s,
    %(by)s, 1, '', 0
WHERE (SELECT count(*) FROM projection WHERE state = 1) < %(most)s
ON CONFLICT (request_id) DO NOTHING
