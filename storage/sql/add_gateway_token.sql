INSERT INTO gateway_token (token_id, secret_sha256, location_id, name, created_at, created_by)
VALUES (%(token_id)s, %(secret_sha256)s, %(location_id)s, %(name)s, %(now)s, %(created_by)s)
