WITH spent AS (
    UPDATE refresh_token SET spent_at = %(now)s WHERE token_sha256 = %(token_sha256)s
    RETURNING session_id
)
INSERT INTO refresh_token (token_sha256, session_id, issued_at, expires_at)
SELECT %(new_token_sha256)s, session_id, %(now)s, %(expires_at)s FROM spent
