-- The token of this name and secret unless it is revoked; notes that it was used.
UPDATE gateway_token SET last_used_at = greatest(last_used_at, %(now)s)
WHERE token_id = %(token_id)s AND secret_sha256 = %(secret_sha256)s AND revoked_at IS NULL
RETURNING *
