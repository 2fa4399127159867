-- Keeps what came of a projection that runs; one that was cancelled meanwhile stays as it is.
UPDATE projection
SET state = %(state)s, reason = %(reason)s, begin_at = %(begin)s, done_at = %(at)s, took_s = %(took_s)s,
    result = %(result)s, totals = %(totals)s, location_ids = coalesce(%(location_ids)s::text[], location_ids),
    battery_count = coalesce(%(battery_count)s::int, battery_count),
    batteries_sha256 = coalesce(%(batteries_sha256)s::bytea, batteries_sha256)
WHERE projection_id = %(projection_id)s AND state = 2
