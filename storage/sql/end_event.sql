UPDATE event SET end_time = greatest(start_time, %(end)s) WHERE event_id = %(event_id)s AND end_time IS NULL
