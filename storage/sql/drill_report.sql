SELECT alerts, alert_count, extremes FROM drill_report JOIN drill USING (drill_key) WHERE drill_id = %(drill_id)s
