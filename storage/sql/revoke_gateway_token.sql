UPDATE gateway_token SET revoked_at = coalesce(revoked_at, %(now)s) WHERE token_id = %(token_id)s
RETURNING token_id
