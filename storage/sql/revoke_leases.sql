UPDATE lease SET revoked = true WHERE lease_id = ANY(%(lease_ids)s)
