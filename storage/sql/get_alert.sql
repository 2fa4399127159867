SELECT * FROM alert_status WHERE alert_id = %(alert_id)s
