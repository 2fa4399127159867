-- Lifts an alert to a higher rank and notes the change, once. Who closed it has closed a lower one, so it stands again.
-- One that stood again meanwhile may be lifted at the same sample time; the second note of it carries the time of the
-- server.
WITH escalated AS (
    UPDATE alert
    SET severity = %(severity)s, value = %(value)s, threshold = %(threshold)s, message = %(message)s,
        resolved_at = NULL, resolved_by = '', resolved_note = ''
    WHERE alert_id = %(alert_id)s AND severity < %(severity)s
    RETURNING alert_id
)
INSERT INTO alert_change (alert_id, change, severity, at)
SELECT alert_id, 2, %(severity)s,
       CASE WHEN EXISTS (SELECT FROM alert_change c WHERE (c.alert_id, c.change, c.at) = (escalated.alert_id, 2, %(at)s))
            THEN now() ELSE %(at)s END
FROM escalated
