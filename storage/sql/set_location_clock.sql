UPDATE location SET clock = %(clock)s WHERE location_id = %(location_id)s
RETURNING location_key
