-- Notes that the condition of an alert has ended, once.
WITH cleared AS (
    UPDATE alert SET cleared_at = %(at)s
    WHERE alert_id = %(alert_id)s AND cleared_at IS NULL
    RETURNING alert_id, severity
)
INSERT INTO alert_change (alert_id, change, severity, at)
SELECT alert_id, 3, severity, %(at)s FROM cleared
