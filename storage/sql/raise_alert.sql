-- Adds an alert with its first change; one that is already there stays as it is.
WITH raised AS (
    INSERT INTO alert (alert_id, battery_key, string_id, location_id, rule, severity, raised_at,
                       value, threshold, unit, message)
    VALUES (%(alert_id)s, %(battery_key)s, %(string_id)s, %(location_id)s, %(rule)s, %(severity)s, %(at)s,
            %(value)s, %(threshold)s, %(unit)s, %(message)s)
    ON CONFLICT (alert_id) DO NOTHING
    RETURNING alert_id
)
INSERT INTO alert_change (alert_id, change, severity, at)
SELECT alert_id, 1, %(severity)s, %(at)s FROM raised
