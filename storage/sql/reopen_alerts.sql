-- Alerts that a person closed before a time while their condition lasts stand again, unseen.
WITH reopened AS (
    UPDATE alert
    SET resolved_at = NULL, resolved_by = '', resolved_note = '',
        acknowledged_at = NULL, acknowledged_by = '', acknowledged_note = ''
    WHERE cleared_at IS NULL AND resolved_at < %(resolved_before)s
    RETURNING alert_id, severity
), noted AS (
    INSERT INTO alert_change (alert_id, change, severity, at)
    SELECT alert_id, 6, severity, %(at)s FROM reopened
    ON CONFLICT DO NOTHING
)
SELECT alert_id FROM reopened ORDER BY alert_id
