-- Closes an alert, once, and notes the change with it. Call lock_alerts() before, in the same transaction.
WITH resolved AS (
    UPDATE alert
    SET resolved_at = %(at)s, resolved_by = %(actor)s, resolved_note = %(note)s
    WHERE alert_id = %(alert_id)s AND resolved_at IS NULL
      AND NOT (cleared_at IS NOT NULL AND acknowledged_at IS NOT NULL)
    RETURNING alert_id, severity
)
INSERT INTO alert_change (alert_id, change, severity, at, actor)
SELECT alert_id, 5, severity, %(at)s, %(actor)s FROM resolved
ON CONFLICT DO NOTHING
