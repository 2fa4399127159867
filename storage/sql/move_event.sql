UPDATE event SET start_time = %(start)s, end_time = %(end)s, note = %(note)s WHERE event_id = %(event_id)s
