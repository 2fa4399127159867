SELECT drill_id FROM drill_request JOIN drill USING (drill_key) WHERE request_id = %(request_id)s::uuid
