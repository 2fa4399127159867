-- A refresh token with its session and user, locked: of two calls with the same token the second sees it spent.
SELECT s.session_id, u.username, r.expires_at, r.spent_at, s.ended_at, u.disabled
FROM refresh_token r
JOIN user_session s USING (session_id)
JOIN app_user u USING (user_key)
WHERE r.token_sha256 = %(token_sha256)s
FOR UPDATE OF r, s
