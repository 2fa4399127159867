INSERT INTO drill_request (request_id, drill_key)
SELECT %(request_id)s::uuid, drill_key FROM drill WHERE drill_id = %(drill_id)s
ON CONFLICT (request_id) DO NOTHING
