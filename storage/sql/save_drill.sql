-- One that has ended stays as it ended.
UPDATE drill
SET state = %(state)s, reason = %(reason)s, parts = %(parts)s::jsonb, location_ids = %(location_ids)s::text[],
    battery_count = %(battery_count)s, speed = %(speed)s, begin_at = %(begin_at)s, now_at = %(now_at)s,
    end_at = %(end_at)s, stopped_at = %(stopped_at)s, stopped_by = %(stopped_by)s, reading_count = %(reading_count)s,
    revision = %(revision)s
WHERE drill_id = %(drill_id)s AND stopped_at IS NULL
