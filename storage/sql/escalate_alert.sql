-- Lifts an alert to a higher rank and notes the change, once.
WITH escalated AS (
    UPDATE alert
    SET severity = %(severity)s, value = %(value)s, threshold = %(threshold)s, message = %(message)s
    WHERE alert_id = %(alert_id)s AND severity < %(severity)s
    RETURNING alert_id
)
INSERT INTO alert_change (alert_id, change, severity, at)
SELECT alert_id, 2, %(severity)s, %(at)s FROM escalated
