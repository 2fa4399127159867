DELETE FROM noted_history WHERE location_id = %(location_id)s
