INSERT INTO system (system_id, location_key, kind) VALUES (%(system_id)s, %(location_key)s, %(kind)s)
RETURNING system_key
