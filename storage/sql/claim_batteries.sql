UPDATE battery SET lease_id = %(lease_id)s WHERE battery_key = ANY(%(keys)s)
