-- Notes that the condition of an alert has ended, once. One that stood again meanwhile may end at the same sample time;
-- the second note of it carries the time of the server.
WITH cleared AS (
    UPDATE alert SET cleared_at = %(at)s
    WHERE alert_id = %(alert_id)s AND cleared_at IS NULL
    RETURNING alert_id, severity
)
INSERT INTO alert_change (alert_id, change, severity, at)
SELECT alert_id, 3, severity,
       CASE WHEN EXISTS (SELECT FROM alert_change c WHERE (c.alert_id, c.change, c.at) = (cleared.alert_id, 3, %(at)s))
            THEN now() ELSE %(at)s END
FROM cleared
