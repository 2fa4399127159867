-- Adds an alert as it stands in another database.
INSERT INTO alert (alert_id, battery_key, string_id, location_id, rule, severity, raised_at,
                   acknowledged_at, acknowledged_by, acknowledged_note, resolved_at, resolved_by, resolved_note,
                   shelved_until, value, threshold, unit, message)
VALUES (%(alert_id)s, (SELECT battery_key FROM battery WHERE battery_id = %(battery_id)s), %(string_id)s,
        %(location_id)s, %(rule)s, %(severity)s, %(raised_at)s,
        %(acknowledged_at)s, %(acknowledged_by)s, %(acknowledged_note)s,
        %(resolved_at)s, %(resolved_by)s, %(resolved_note)s,
        %(shelved_until)s, %(value)s, %(threshold)s, %(unit)s, %(message)s)
ON CONFLICT (alert_id) DO NOTHING
