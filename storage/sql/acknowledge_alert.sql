-- Notes who has seen an alert, once, and the change with it. Call lock_alerts() before, in the same transaction.
WITH acknowledged AS (
    UPDATE alert
    SET acknowledged_at = %(at)s, acknowledged_by = %(actor)s, acknowledged_note = %(note)s
    WHERE alert_id = %(alert_id)s AND acknowledged_at IS NULL AND resolved_at IS NULL
    RETURNING alert_id, severity
)
INSERT INTO alert_change (alert_id, change, severity, at, actor)
SELECT alert_id, 4, severity, %(at)s, %(actor)s FROM acknowledged
ON CONFLICT DO NOTHING
