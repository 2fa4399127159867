SELECT * FROM event_with_battery WHERE request_id = %(request_id)s
