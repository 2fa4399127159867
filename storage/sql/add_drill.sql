-- Unless the request was heard before.
WITH added AS (
    INSERT INTO drill (drill_id, state, title, reason, parts, names, location_ids, battery_count, seed, speed,
                       begin_at, now_at, end_at, started_at, started_by, stopped_at, stopped_by, reading_count, revision)
    SELECT %(drill_id)s, %(state)s, %(title)s, %(reason)s, %(parts)s::jsonb, %(names)s::text[], %(location_ids)s::text[],
           %(battery_count)s, %(seed)s, %(speed)s, %(begin_at)s::timestamptz, %(now_at)s::timestamptz,
           %(end_at)s::timestamptz, %(started_at)s, %(started_by)s, %(stopped_at)s::timestamptz, %(stopped_by)s,
           %(reading_count)s, %(revision)s
    WHERE NOT EXISTS (SELECT FROM drill_request WHERE request_id = %(request_id)s::uuid)
    RETURNING drill_key
)
INSERT INTO drill_request (request_id, drill_key) SELECT %(request_id)s::uuid, drill_key FROM added
