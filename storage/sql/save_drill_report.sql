INSERT INTO drill_report (drill_key, alerts, alert_count, extremes)
SELECT drill_key, %(alerts)s::jsonb, %(alert_count)s, %(extremes)s::text[] FROM drill WHERE drill_id = %(drill_id)s
ON CONFLICT (drill_key) DO UPDATE
SET alerts = EXCLUDED.alerts, alert_count = EXCLUDED.alert_count, extremes = EXCLUDED.extremes
