-- 5: failed.
UPDATE drill SET state = 5, reason = %(reason)s, stopped_at = %(at)s WHERE stopped_at IS NULL RETURNING drill_id
