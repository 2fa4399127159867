-- Lets an alert that had been cleared stand again, unseen, as when a past that was computed anew holds it after all.
WITH reopened AS (
    UPDATE alert
    SET cleared_at = NULL, severity = %(severity)s, value = %(value)s, threshold = %(threshold)s, message = %(message)s,
        resolved_at = NULL, resolved_by = '', resolved_note = '',
        acknowledged_at = NULL, acknowledged_by = '', acknowledged_note = ''
    WHERE alert_id = %(alert_id)s AND cleared_at IS NOT NULL
    RETURNING alert_id
)
INSERT INTO alert_change (alert_id, change, severity, at)
SELECT alert_id, 6, %(severity)s, now() FROM reopened
ON CONFLICT DO NOTHING
