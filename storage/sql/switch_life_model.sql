-- Unless that model has that role already, or the request was heard before.
INSERT INTO life_model_switch (role, model_key, switched_at, switched_by, note, request_id)
SELECT %(role)s, %(model_key)s, %(at)s, %(by)s, %(note)s, %(request_id)s
WHERE %(model_key)s::int IS DISTINCT FROM (
    SELECT model_key FROM life_model_switch WHERE role = %(role)s ORDER BY switch_id DESC LIMIT 1
)
ON CONFLICT (request_id) DO NOTHING
